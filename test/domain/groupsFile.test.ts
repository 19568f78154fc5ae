import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { parseGroups } from "../../src/domain/groupsFile.js"
import { type JsonNode, parseJsonText } from "../../src/domain/jsonText.js"

const plain = (node: JsonNode): unknown =>
  node.kind === "scalar"
    ? node.value
    : node.kind === "array"
    ? node.items.map(plain)
    : Object.fromEntries(node.fields.map(({ name, value }) => [name, plain(value)]))

const isJson = (text: string) => Either.isRight(Either.try((): unknown => JSON.parse(text)))
const problem = (text: string) => Either.getOrThrow(Either.flip(parseJsonText(text)))

describe("JSON text", () => {
  it("means what the platform's parser says", () => {
    fc.assert(fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent)
      const expected: unknown = JSON.parse(text)
      assert.deepStrictEqual(plain(Either.getOrThrow(parseJsonText(text))), expected)
    }))
  })

  it("is refused where the platform's parser refuses it", () => {
    const letter = fc.constantFrom(...Array.from("{}[],:\"\\ 1-.eEtrufalsn\n"))
    fc.assert(
      fc.property(fc.string({ unit: letter, maxLength: 8 }), (text) => {
        assert.strictEqual(Either.isRight(parseJsonText(text)), isJson(text), text)
      }),
      { numRuns: 2000 }
    )
  })

  it("knows its lines, and where it ends to be JSON", () => {
    assert.deepStrictEqual(problem("{\n  \"a\": 1\n  \"b\": 2\n}"), {
      line: 3,
      column: 3,
      what: ", or } is expected here, not \"\\\"b\\\"\""
    })
    assert.deepStrictEqual(problem("[1, 2"), { line: 1, column: 6, what: ", or ] is expected here, the text ends" })
    assert.match(problem("[".repeat(200)).what, /100 brackets/)
  })
})

const problems = (text: string) =>
  Either.getOrThrow(Either.flip(parseGroups(text))).map(({ cure, line, path, what }) =>
    `${line} ${path}: ${what}; ${cure}`
  )

describe("a file of groups", () => {
  it("names one group, of one member unless it says more", () => {
    assert.deepStrictEqual(
      parseGroups(`{"topic":"click_log","group.id":"hadoop-consumers"}`),
      Either.right([{
        path: "$",
        topic: "click_log",
        group: "hadoop-consumers",
        members: 1,
        sink: undefined,
        table: undefined
      }])
    )
  })

  it("names several, with their members, sinks and tables", () => {
    const entries = Either.getOrThrow(parseGroups(`[
      {"topic": "click_log", "group.id": "hadoop-consumers", "consumer.no": 20, "sink": "stdout"},
      {"topic": "click_log", "group.id": "second", "sink": "clicks.csv", "table": "clicks2"},
      {"topic": "orders", "group.id": "second", "consumer.no": 5, "sink": "clicks.csv"}
    ]`))
    assert.deepStrictEqual(entries.map(({ members }) => members), [20, 1, 5])
    assert.deepStrictEqual(entries.map(({ sink }) => sink), ["stdout", "clicks.csv", "clicks.csv"])
    assert.strictEqual(entries[1]?.table, "clicks2")
  })

  it("tells all that is wrong with it at once, with line and path", () => {
    assert.deepStrictEqual(
      problems(`[
  {"topic": "a b", "group.id": 7},
  {"topic": "t", "group.id": "g", "consumer.no": 0,
   "consumers": 3, "sink": "x.xls"},
  {"topik": "t", "topic": "t", "topic": "u"},
  "t"
]`),
      [
        "2 $[0].topic: \"a b\" is not understood; expected a topic name (letters, digits, . _ -)",
        "2 $[0].group.id: 7 is not understood; expected 1 to 255 characters without blanks",
        "3 $[1].consumer.no: 0 is not understood; expected a whole number from 1 to 1000",
        "4 $[1].consumers: is not known; did you mean consumer.no?",
        "4 $[1].sink: \"x.xls\" is not understood; expected stdout, or a name that ends in .csv, .tsv or .log",
        "5 $[2].topik: is not known; did you mean topic?",
        "5 $[2].topic: stands twice; keep one",
        "5 $[2]: \"group.id\" is missing; expected 1 to 255 characters without blanks",
        "6 $[3]: is not an object; expected {\"topic\": \"click_log\", \"group.id\": \"hadoop-consumers\"}"
      ]
    )
  })

  it("is refused where entries do not go together", () => {
    assert.deepStrictEqual(
      problems(`[{"topic":"t","group.id":"g","sink":"a.csv"},
        {"topic":"t","group.id":"g"},
        {"topic":"t","group.id":"h","sink":"a.csv"}]`),
      [
        "2 $[1]: group g reads topic t already, in $[0]; keep one, with as many consumer.no as both",
        "3 $[2].sink: a.csv is the sink of group g already, in $[0]; name another one: a folder keeps the positions of one group"
      ]
    )
    assert.match(problems("[]")[0] ?? "", /the list is empty/)
    assert.match(
      problems("{\"topic\":\n")[0] ?? "",
      /^2 column 1: a value is expected here, the text ends; correct the JSON/
    )
  })
})
