import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"

const rows = readFileSync("docs/kafkajs.md", "utf8").split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (trap|-+) /.test(line))
  .map((line) => line.slice(2, -2).split(" | ").map((cell) => cell.trim()))

it("every trap of kafkajs has a test, which exists", () => {
  assert.isAbove(rows.length, 35)
  const missing = rows.flatMap(([trap, , , cell = ""]) => {
    const [, path = "", name = ""] = /^`(\S+)` (.+)$/.exec(cell) ?? []
    const found = name !== "" && existsSync(path) && readFileSync(path, "utf8").includes(name)
    return found ? [] : [`${trap}: ${cell}`]
  })
  assert.deepStrictEqual(missing, [])
})

it("every file of ours that the document names exists", () => {
  const links = [...readFileSync("docs/kafkajs.md", "utf8").matchAll(/\]\(\.\.\/(\S+?)\)/g)].map(([, path = ""]) =>
    path
  )
  assert.isAbove(links.length, 3)
  assert.deepStrictEqual(links.filter((path) => !existsSync(path)), [])
})
