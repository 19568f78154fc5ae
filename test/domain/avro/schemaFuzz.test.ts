/**
 * Goal: no schema that a registry may send crashes or stops the program.
 * Method: valid schemas are changed at random, as trees and as text. The answer is a schema that records can be read with,
 * or a reason.
 */
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import { AvroRefused } from "../../../src/domain/avro/AvroRefused.js"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { makeAvroReader } from "../../../src/domain/avro/reader.js"
import { randomSchemas } from "../../support/avroSchemas.js"

const fastCheck = { numRuns: 500 }

/** What random schemas lack: logical types, defaults, aliases, namespaces, uses of a name. */
const order = {
  type: "record",
  name: "com.example.Order",
  aliases: ["Old"],
  doc: "an order",
  fields: [
    { name: "id", type: { type: "long", logicalType: "timestamp-millis" }, default: 0 },
    { name: "price", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
    { name: "key", type: { type: "fixed", name: "Key", size: 16, logicalType: "decimal", precision: 30 } },
    { name: "state", type: { type: "enum", name: "State", symbols: ["NEW", "PAID"], default: "NEW" }, aliases: ["s"] },
    { name: "note", type: ["null", { type: "string", maxLength: 40 }], default: null },
    { name: "tags", type: { type: "map", values: { type: "array", items: "State" } } },
    { name: "parent", type: ["null", "Order"] }
  ]
}
const schemas = fc.oneof(fc.constant<unknown>(order), randomSchemas).map((schema) => JSON.stringify(schema))

// What means something else than what it stands for, or nothing.
const values: ReadonlyArray<unknown> = [null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e300, [], {}, [[]], [{}], [null]]
const names =
  ` . .. a.b .a a. é 1a a-b \0 \ud800 __proto__ constructor record error null enum Order com.example.Order Key`
    .split(" ")
const types: ReadonlyArray<unknown> = [
  ["int", "int"],
  { type: {} },
  { type: [] },
  { type: { type: { type: "int" } } },
  { type: "record" },
  { type: "array" },
  { type: "map", values: null },
  { type: "enum", name: "E", symbols: [] },
  { type: "fixed", name: "F", size: 1e9 }
]
const odd = fc.constantFrom(...values, ...names, ...types, "decimal", "uuid", "duration", "x".repeat(2000))
const attributes =
  "type name namespace fields items values symbols size logicalType precision scale default aliases doc maxLength __proto__"
    .split(" ")

const nestedIn = (node: unknown, depth: number): unknown =>
  depth === 0 ? node : { type: "array", items: nestedIn(node, depth - 1) }

type Change = (node: unknown) => unknown
/** What becomes of one node. */
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom<Change[]>(
    () => undefined,
    (node) => [node, node],
    (node) => Array.isArray(node) ? [...node, ...node] : { type: node },
    (node) => Array.isArray(node) ? node.toReversed() : [node],
    (node) => String(node),
    (node) => ({ type: "record", name: "Order", fields: [{ name: "f", type: node }] })
  ),
  odd.map((value) => () => value),
  fc.tuple(fc.constantFrom(...attributes), odd).map(([attribute, value]) => (node: unknown) =>
    Object.assign(Object.create(null), node, { [attribute]: value })
  ),
  fc.integer({ min: 1, max: 300 }).map((depth) => (node: unknown) => nestedIn(node, depth)),
  fc.integer({ min: 1, max: 60 }).map((count) => (node: unknown) => Array.from({ length: count }, () => node))
)

/** The text with its node number `at`, counted round and round, changed. */
const changed = (text: string, at: number, change: Change): string => {
  let nodes = 0
  JSON.parse(text, (_, node: unknown) => (nodes += 1, node))
  let index = 0
  return JSON.stringify(JSON.parse(text, (_, node: unknown) => index++ === at % nodes ? change(node) : node)) ?? "null"
}

/** Whatever is right can be made a reader, unless that refuses it. */
const assertAnswer = (text: string): void => {
  const parsed = parseSchema(text)
  const answer = Either.flatMap(parsed, (schema) => makeAvroReader(schema))
  if (Either.isLeft(answer)) {
    assert.instanceOf(answer.left, AvroRefused)
    assert.isNotEmpty(answer.left.message)
    return
  }
  // Of no bytes, and of some that mean nothing: values or a reason.
  for (const bytes of [new Uint8Array(), new Uint8Array(64), new Uint8Array(64).fill(255)]) answer.right(bytes, 0)
}

describe("a schema", () => {
  it.prop("as it is: it is read", { text: schemas }, ({ text }) => {
    assert.isTrue(Either.isRight(parseSchema(text)))
    assertAnswer(text)
  }, { fastCheck })

  it.prop(
    "with nodes that are dropped, replaced, doubled or put into others: a schema or a reason",
    { text: schemas, made: fc.array(fc.tuple(fc.nat(), changes), { minLength: 1, maxLength: 4 }) },
    ({ made, text }) => assertAnswer(made.reduce((before, [at, change]) => changed(before, at, change), text)),
    { fastCheck }
  )

  const edit = fc.record({
    at: fc.nat(),
    cut: fc.nat(8),
    text: fc.oneof(
      fc.constantFrom(
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\\ud800",
        "1e999",
        "-",
        "\0",
        "\ufeff",
        "[".repeat(100_000)
      ),
      fc.string16bits({ maxLength: 4 })
    )
  })
  it.prop(
    "whose text is cut and written over: a schema or a reason",
    { text: schemas, edits: fc.array(edit, { minLength: 1, maxLength: 4 }) },
    ({ edits, text }) =>
      assertAnswer(edits.reduce((before, { at, cut, text: put }) => {
        const place = at % (before.length + 1)
        return before.slice(0, place) + put + before.slice(place + cut)
      }, text)),
    { fastCheck }
  )

  it.prop("any text: a schema or a reason", [fc.oneof(fc.string16bits(), fc.json())], ([text]) => assertAnswer(text), {
    fastCheck
  })
})
