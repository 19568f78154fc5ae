// Milliseconds that one record holds the event loop while it is decoded: records of 1 MiB that are made to cost as much
// as they can, and ordinary ones of 1, 4 and 16 MiB. Run: npx vite-node bench/decode.ts
import * as Either from "effect/Either"
import { jsonReader } from "../src/domain/avro/jsonValue.js"
import { parseExactJson } from "../src/domain/exactJson.js"
import { compile } from "../src/layers/avro/AvroCodec.js"

const mebibyte = 1 << 20
const rounds = 7

const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
const text = (value: string): Buffer => Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)])
const record = (fields: Readonly<Record<string, unknown>>) => ({
  type: "record",
  name: "R",
  fields: Object.entries(fields).map(([name, type]) => ({ name, type }))
})

interface Case {
  readonly name: string
  readonly schema: unknown
  readonly bytes: Buffer
}

/** As many items as fit into `size` bytes. */
const many = (name: string, items: unknown, item: Buffer, size = mebibyte): Case => {
  const count = Math.floor(size / item.length)
  const bytes = Buffer.concat([varint(count), Buffer.alloc(count * item.length, item), Buffer.of(0)])
  return { name, schema: { type: "array", items }, bytes }
}
const map = (entries: number): Case => ({
  name: `map of ${entries}`,
  schema: { type: "map", values: "int" },
  bytes: Buffer.concat([
    varint(entries),
    ...Array.from({ length: entries }, (_, index) => Buffer.concat([text(`key-${index}`), Buffer.of(2)])),
    Buffer.of(0)
  ])
})
const order = record({ id: "long", name: "string", price: "double", note: ["null", "string"] })
const orderBytes = Buffer.concat([
  varint(123_456),
  text("hello world"),
  Buffer.alloc(8),
  Buffer.of(2),
  text("abcde")
])
const sizes = [1, 4, 16]
const cases: ReadonlyArray<Case> = [
  many("ints", "int", Buffer.of(2)),
  many("longs", "long", Buffer.of(2)),
  many("long longs", "long", Buffer.from("feffffffffffffffff01", "hex")),
  many("empty strings", "string", Buffer.of(0)),
  many("short bytes", "bytes", Buffer.of(2, 0)),
  many("empty maps", { type: "map", values: "int" }, Buffer.of(0)),
  many("empty arrays", { type: "array", items: "int" }, Buffer.of(0)),
  many("wide unions", ["int", "string"], Buffer.of(0, 2)),
  many("records of one", record({ a: "int" }), Buffer.of(2)),
  { name: "nulls", schema: { type: "array", items: "null" }, bytes: Buffer.concat([varint(1e9), Buffer.of(0)]) },
  map(40_000),
  ...sizes.flatMap((mib): ReadonlyArray<Case> => [
    many(`orders, ${mib} MiB`, order, orderBytes, mib * mebibyte),
    { name: `ASCII text, ${mib} MiB`, schema: "string", bytes: text("a".repeat(mib * mebibyte)) },
    { name: `other text, ${mib} MiB`, schema: "string", bytes: text("é".repeat(mib * mebibyte / 2)) },
    { name: `bytes, ${mib} MiB`, schema: "bytes", bytes: text("a".repeat(mib * mebibyte)) }
  ])
]

const ms = (value: number): string => value.toFixed(1).padStart(7)

const measure = (name: string, bytes: number, task: () => Either.Either<unknown, string>): void => {
  const times: Array<number> = []
  let outcome = ""
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    const result = task()
    times.push(performance.now() - start)
    outcome = Either.isLeft(result) ? result.left : ""
  }
  const [fastest = 0, , , median = 0] = times.toSorted((a, b) => a - b)
  console.log(`${name.padEnd(20)} ${String(bytes).padStart(9)} bytes ${ms(median)} ms (${ms(fastest)})  ${outcome}`)
}

for (const { bytes, name, schema } of cases) {
  const codec = Either.getOrThrow(compile(JSON.stringify(schema)))
  measure(name, bytes.length, () => codec.decode(bytes, 0))
}
const rows = JSON.stringify(
  Array.from({ length: 14_000 }, (_, id) => ({ id, name: "hello world", price: 1.5, note: null }))
)
const read = jsonReader(Either.getOrThrow(compile(JSON.stringify({ type: "array", items: order }))).schema)
measure("orders as JSON", rows.length, () => Either.flatMap(parseExactJson(rows), (json) => read(json, rows.length)))
const deep = (level: number): object => record({ a: level === 0 ? "int" : { ...deep(level - 1), name: `R${level}` } })
const wide = JSON.stringify(
  record(Object.fromEntries(Array.from({ length: 9_900 }, (_, index) => [`f${index}`, "int"])))
)
for (const schema of [wide, JSON.stringify(deep(25))]) {
  measure(`schema of ${schema.length}`, schema.length, () => Either.mapLeft(compile(schema), String))
}
