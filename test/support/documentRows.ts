import { documentText, double, integer } from "./jsonDocuments.js"
import { bytes, fixed, logical, type MappingRow, notFinite, number, uuid } from "./mappingTypes.js"

const record = (name: string, fields: Readonly<Record<string, unknown>>): object => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }))
})
const nested = (depth: number): unknown => depth === 0 ? null : { next: nested(depth - 1) }
const nestedDocument = (depth: number): string => documentText(nested(depth))
const tree = record("Tree", { v: "int", children: { type: "array", items: "Tree" } })
const chain = record("Chain", { next: ["null", "Chain"] })

/** What is stored as JSON. */
export const documentRows: ReadonlyArray<MappingRow> = [
  {
    row: "array of long",
    type: { type: "array", items: "long" },
    column: "json",
    stored: [
      [[], documentText([])],
      [
        [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n],
        documentText([
          integer("9223372036854775807"),
          integer("-9223372036854775808"),
          integer("9007199254740993")
        ])
      ]
    ]
  },
  {
    row: "array of double",
    type: { type: "array", items: "double" },
    column: "json",
    stored: [[
      [1, 1e308, 5e-324, -0, 0.1, 1e21, 2 ** 64],
      documentText([1, 1e308, 5e-324, -0, 0.1, 1e21, 2 ** 64].map(double))
    ]],
    poison: [[[0, Number.NaN], notFinite], [[Infinity], notFinite]]
  },
  {
    row: "map",
    type: { type: "map", values: "string" },
    column: "json",
    stored: [
      [{}, documentText({})],
      [
        Object.fromEntries([["", "empty"], ["__proto__", "p"], ["1", "\\\"\0"], ["A", "😀"], ["a", "'"]]),
        documentText(Object.fromEntries([["", "empty"], ["__proto__", "p"], ["1", "\\\"\0"], ["A", "😀"], ["a", "'"]]))
      ],
      [{ ["k".repeat(65_535)]: "" }, documentText({ ["k".repeat(65_535)]: "" })]
    ],
    poison: [[{ ["k".repeat(65_536)]: "" }, /a map's key of more than 65535 bytes/]]
  },
  {
    row: "record in a record",
    type: record("R", {
      b: "bytes",
      d: logical("bytes", "decimal", { precision: 80, scale: 2 }),
      f: "float",
      t: logical("long", "timestamp-micros"),
      day: logical("int", "date"),
      u: logical("string", "uuid"),
      n: logical("long", "timestamp-nanos"),
      e: { type: "enum", name: "E", symbols: ["A"] },
      o: ["null", "boolean"]
    }),
    column: "json",
    stored: [[
      {
        b: bytes("00ff"),
        d: number(-(10n ** 79n), 34),
        f: Math.fround(0.1),
        t: -1n,
        day: 0,
        u: uuid.toUpperCase(),
        n: 2n ** 63n - 1n,
        e: "A",
        o: null
      },
      documentText({
        b: "AP8=",
        d: `-1${"0".repeat(77)}.00`,
        f: double(0.1),
        t: "1969-12-31 23:59:59.999999",
        day: "1970-01-01",
        u: uuid,
        n: integer("9223372036854775807"),
        e: "A",
        o: null
      })
    ]],
    poison: [[
      { b: bytes(""), d: number(0n, 1), f: 0, t: 0n, day: 2_932_897, u: uuid, n: 0n, e: "A", o: true },
      /outside .* \(field day of record R\)$/
    ]]
  },
  {
    row: "recursive list",
    type: tree,
    column: "json",
    stored: [[
      { v: 1, children: [{ v: 2, children: [] }, { v: 3, children: [{ v: 4, children: [] }] }] },
      documentText({
        v: integer("1"),
        children: [{ v: integer("2"), children: [] }, {
          v: integer("3"),
          children: [{ v: integer("4"), children: [] }]
        }]
      })
    ]]
  },
  {
    row: "as deep as MySQL's JSON",
    type: chain,
    column: "json",
    stored: [[nested(100), nestedDocument(100)]]
  },
  {
    row: "union of several types",
    type: ["null", "int", "string", "bytes", record("P", { x: "long" }), { type: "array", items: "int" }],
    column: "json",
    stored: [
      [null, null],
      [{ int: 7 }, documentText({ int: integer("7") })],
      [{ string: "7" }, documentText({ string: "7" })],
      [{ bytes: bytes("ff") }, documentText({ bytes: "/w==" })],
      [{ P: { x: 2n ** 62n } }, documentText({ P: { x: integer("4611686018427387904") } })],
      [{ array: [1] }, documentText({ array: [integer("1")] })]
    ]
  },
  {
    row: "union of null and one type",
    type: ["string", "null"],
    column: "longtext",
    stored: [[null, null], ["", ""]]
  },
  {
    row: "duration",
    type: fixed(12, { logicalType: "duration" }),
    column: "json",
    stored: [
      [
        bytes("010000000200000003000000"),
        documentText({ months: integer("1"), days: integer("2"), millis: integer("3") })
      ],
      [
        Buffer.alloc(12, 0xff),
        documentText({ months: integer("4294967295"), days: integer("4294967295"), millis: integer("4294967295") })
      ]
    ]
  },
  { row: "null", type: "null", column: "char(0)", stored: [[null, null]] },
  {
    row: "unknown logical type",
    type: logical("int", "color"),
    column: "int",
    stored: [[7, "7"]]
  }
]
