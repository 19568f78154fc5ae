import { readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { assert, describe, it } from "vitest"

// docs/comparison.md says of each bug in which file there is a test of that name; those files hold no other tests.

const page = "docs/comparison.md"
const files = [
  "test/integration/peerBugs.test.ts",
  "test/simulation/peerBugs.test.ts",
  "test/domain/sql/peerBugs.test.ts"
]

/** The bug comes first in a test's name, before a colon. */
const tested = files.flatMap((file) =>
  [...readFileSync(file, "utf8").matchAll(/\b(?:it|bug)\(\s*(["`])(.+)\1,/gu)].map(([, , name = ""]) =>
    `${name.split(": ")[0]} (${file})`
  )
)

const listed = [...readFileSync(page, "utf8").matchAll(/^\| +(.+?) +\|.*\[\w+\]\((.+?\.test\.ts)\) +\|$/gmu)].map(
  ([, bug = "", link = ""]) => `${bug} (${normalize(join(dirname(page), link))})`
)

describe("docs/comparison.md", () => {
  it("names a test for each bug, in the file where it is, and leaves none of those tests out", () => {
    assert.isAbove(listed.length, 50)
    assert.deepStrictEqual(listed.toSorted(), tested.toSorted())
  })
})
