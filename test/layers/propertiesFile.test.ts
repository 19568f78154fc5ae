import { assert, it } from "@effect/vitest"
import { parseProperties } from "../../src/layers/propertiesFile.js"

it("keeps order, repeated keys and the line of each, across comments, blank and continued lines", () => {
  const text = "\uFEFF# first\r\n\r\na = 1\r\nb : one,\\\r\n    two\r\n! second\r\na 2\r\n"
  assert.deepStrictEqual(parseProperties(text), [
    { key: "a", value: "1", line: 3 },
    { key: "b", value: "one,two", line: 4 },
    { key: "a", value: "2", line: 7 }
  ])
})

it("reads Java's escapes, and keeps = and # inside a value", () => {
  assert.deepStrictEqual(parseProperties("mysql.url=jdbc:mysql://h/d?a=b#c\nk=\\u0041\\\\"), [
    { key: "mysql.url", value: "jdbc:mysql://h/d?a=b#c", line: 1 },
    { key: "k", value: "A\\", line: 2 }
  ])
})
