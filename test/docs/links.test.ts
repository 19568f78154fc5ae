import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const documents = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
]

/** Files of this repository that the text names as code: `src/…`, `test/…`, and so on, without wildcards. */
const named = /`((?:src|test|scripts|deploy|docs|bench|\.ci)\/[\w./-]+)`/g
const links = /\]\((?!https?:)([^)#\s]+)/g

/** `programs/run.ts` may be written for `src/programs/run.ts`. */
const insideSrc = /`((?:domain|layers|programs)\/[\w./-]+)`/g

describe("documents name only what there is", () => {
  for (const file of documents) {
    it(file, () => {
      const text = readFileSync(file, "utf8")
      const wanted = [
        ...[...text.matchAll(links)].map(([, to = ""]) => normalize(join(dirname(file), to))),
        ...[...text.matchAll(named)].map(([, path = ""]) => path),
        ...[...text.matchAll(insideSrc)].map(([, path = ""]) => join("src", path))
      ]
      assert.deepStrictEqual(wanted.filter((path) => !existsSync(path)), [])
    })
  }

  it("every decision of docs/adr has its own number", () => {
    const numbers = readdirSync("docs/adr").map((name) => name.slice(0, 4))
    assert.strictEqual(new Set(numbers).size, numbers.length)
    for (const number of numbers) assert.match(number, /^\d{4}$/)
  })
})
