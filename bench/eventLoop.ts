// For how long one record holds the event loop on its whole way from bytes to a statement: records of 1 MiB that are made
// to cost as much as they can; and for how long one schema does, in each of the steps between which others get their turn. Between two records others get their turn (src/programs/encoders.ts), so that decoding
// and writing one row count together; a statement is made of a batch. The smaller of wall clock
// and CPU time, neither of which is less than what it takes on an idle core; best and median of the rounds. Run: npx vite-node bench/eventLoop.ts [part of a name]
import * as Either from "effect/Either"
import { jsonReader } from "../src/domain/avro/jsonValue.js"
import { parseExactJson } from "../src/domain/exactJson.js"
import { makeChangeBatch } from "../src/domain/sql/changes.js"
import { planTable } from "../src/domain/sql/plan/planTable.js"
import { mysql } from "../src/domain/sql/mysql.js"
import { makeRowEncoder } from "../src/domain/sql/rowEncoder.js"
import { defaultTopicSettings } from "../src/domain/TopicSettings.js"
import { compile } from "../src/layers/avro/AvroCodec.js"
import { sha256 } from "../src/layers/sha256.js"
import { jsonValuesMax } from "../src/programs/decode/givenCodec.js"

const mebibyte = 1 << 20
const rounds = 9
const limitMs = 50

const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(bytes.length), bytes])
}
const record = (fields: Readonly<Record<string, unknown>>, name = "R") => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }))
})

interface Case {
  readonly name: string
  /** Of the field `a`. */
  readonly type: unknown
  readonly bytes: Buffer
  readonly json?: boolean
  /** The same with so many items: of what is refused, the most that is not is measured. */
  readonly of?: { readonly count: number; readonly make: (count: number) => Case }
}

/** An array of as many items as fit into 1 MiB, or of so many. */
const many = (name: string, items: unknown, item: Buffer, most = Infinity): Case => {
  const count = Math.min(most, Math.floor(mebibyte / item.length))
  const make = (some: number): Case => ({
    name: `array of ${some} ${name}`,
    type: { type: "array", items },
    bytes: Buffer.concat([varint(some), Buffer.alloc(some * item.length, item), Buffer.of(0)])
  })
  return { ...make(count), of: { count, make } }
}
const mapOf = (name: string, entries: number, key: (index: number) => string): Case => ({
  name,
  of: { count: entries, make: (some) => ({ ...mapOf(name, some, key), name: `${name}: ${some}` }) },
  type: { type: "map", values: "int" },
  bytes: Buffer.concat([
    varint(entries),
    ...Array.from({ length: entries }, (_, index) => Buffer.concat([text(key(index)), Buffer.of(2)])),
    Buffer.of(0)
  ])
})
const textOf = (name: string, unit: string): Case => ({
  name: `text of ${name}`,
  type: "string",
  bytes: text(unit.repeat(mebibyte / Buffer.byteLength(unit)))
})
const json = (name: string, type: unknown, value: string): Case => ({
  name: `JSON, ${name}`,
  type,
  bytes: Buffer.from(`{"a":${value}}`),
  json: true
})
const repeated = (unit: string): string => Array(Math.floor(mebibyte / (unit.length + 1))).fill(unit).join(",")
const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more })
const order = record({ id: "long", name: "string", price: "double", note: ["null", "string"] }, "Order")
const orderBytes = Buffer.concat([
  varint(123_456),
  text("hello world"),
  Buffer.from("77be9f1a2fdd5e40", "hex"),
  Buffer.of(2),
  text("abcde")
])
const widest = Buffer.from("feffffffffffffffff01", "hex")
const float = Buffer.alloc(4)
float.writeFloatLE(0.12345679)
const linked = { ...record({ v: "int" }, "List") }
linked.fields.push({ name: "next", type: ["null", "List"] })
const tree = record({}, "Tree")
tree.fields.push({ name: "l", type: ["null", "Tree"] }, { name: "r", type: ["null", "Tree"] })
const treeBytes = (levels: number): Buffer => {
  if (levels === 0) return Buffer.of(0, 0)
  const inner = treeBytes(levels - 1)
  return Buffer.concat([Buffer.of(2), inner, Buffer.of(2), inner])
}
const nested = (levels: number): unknown => levels === 0 ? "int" : { type: "array", items: nested(levels - 1) }
const jsonOrder = JSON.stringify({ id: 1, name: "hello world", price: 1.5, note: null })

const cases: ReadonlyArray<Case> = [
  many("ints", "int", Buffer.of(2)),
  many("large ints", "int", varint(2_000_000_000)),
  many("longs", "long", Buffer.of(2)),
  many("large longs", "long", widest),
  many("booleans", "boolean", Buffer.of(1)),
  many("nulls", "null", Buffer.of(), 1_000_000),
  many("floats", "float", float),
  many("doubles", "double", Buffer.from("77be9f1a2fdd5e40", "hex")),
  many("enums", { type: "enum", name: "E", symbols: ["A", "B"] }, Buffer.of(2)),
  many("empty strings", "string", Buffer.of(0)),
  many("short strings", "string", text("a")),
  many("quotes", "string", text("'")),
  many("control bytes", "string", text("\0\n")),
  many("strings of 20 bytes", "string", text("0123456789abcdefghij")),
  many("empty bytes", "bytes", Buffer.of(0)),
  many("short bytes", "bytes", text("a")),
  many("fixed of 1 byte", { type: "fixed", name: "F", size: 1 }, Buffer.of(1)),
  many("fixed of 0 bytes", { type: "fixed", name: "F", size: 0 }, Buffer.of(), 1_000_000),
  many("timestamps", logical("long", "timestamp-micros"), Buffer.of(2)),
  many("large timestamps", logical("long", "timestamp-micros"), varint(1_760_000_000_000_000)),
  many("dates", logical("int", "date"), Buffer.of(2)),
  many("times", logical("long", "time-micros"), varint(2_000_000)),
  many("UUIDs", logical("string", "uuid"), text("01234567-89ab-cdef-0123-456789abcdef")),
  many("short decimals", logical("bytes", "decimal", { precision: 9, scale: 2 }), text("a")),
  many("long decimals", logical("bytes", "decimal", { precision: 38, scale: 2 }), text("0123456789abcde")),
  many("huge decimals", logical("bytes", "decimal", { precision: 9_000, scale: 2 }), text("a".repeat(3_700))),
  many("big decimals", logical("bytes", "big-decimal"), text(Buffer.of(2, 1, 4))),
  many(
    "big decimals with zeros",
    logical("bytes", "big-decimal"),
    text(Buffer.concat([Buffer.of(2, 1), varint(-200)]))
  ),
  many("durations", { type: "fixed", name: "D", size: 12, logicalType: "duration" }, Buffer.alloc(12, 7)),
  many("empty arrays", { type: "array", items: "int" }, Buffer.of(0)),
  many("arrays of one", { type: "array", items: "int" }, Buffer.of(2, 2, 0)),
  many("empty maps", { type: "map", values: "int" }, Buffer.of(0)),
  many("maps of one", { type: "map", values: "int" }, Buffer.of(2, 2, 97, 2, 0)),
  many("empty records", record({}, "E"), Buffer.of(), 1_000_000),
  many("records of one", record({ a: "int" }, "E"), Buffer.of(2)),
  many(
    "records of ten",
    record(Object.fromEntries("abcdefghij".split("").map((name) => [name, "int"])), "E"),
    Buffer.alloc(10)
  ),
  many("wide unions", ["int", "string"], Buffer.of(0, 2)),
  many("narrow unions", ["null", "int"], Buffer.of(0)),
  many("trees", tree, treeBytes(8)),
  many("lists of 90", linked, Buffer.concat([Buffer.alloc(178, Buffer.of(2, 2)), Buffer.of(2, 0)])),
  many("arrays, 90 levels", nested(40), Buffer.concat([Buffer.alloc(40, 2), Buffer.of(2), Buffer.alloc(40)])),
  many("orders", order, orderBytes),
  mapOf("map of 40,000", 40_000, (index) => `key-${index}`),
  mapOf("map of 25,000", 25_000, (index) => `key-${index}`),
  mapOf("map of numbers", 40_000, String),
  mapOf("map of one key", 40_000, () => ""),
  mapOf("map of long keys", 1_000, (index) => `${"é".repeat(500)}${index}`),
  { ...mapOf("map of too many", 170_000, (index) => index.toString(36).padStart(4)) },
  textOf("ASCII", "a"),
  textOf("é", "é"),
  textOf("emoji", "😀"),
  textOf("quotes", "'"),
  textOf("back-slashes", "\\"),
  textOf("control bytes", "\u0001"),
  textOf("é and control bytes", "é\u0001"),
  textOf("U+FFFD", "\ufffd"),
  { name: "bytes", type: "bytes", bytes: text("a".repeat(mebibyte)) },
  { ...textOf("control bytes", "\u0001"), name: "document of control bytes", type: record({ s: "string" }, "D") },
  { ...textOf("quotes", "\""), name: "document of quotes", type: record({ s: "string" }, "D") },
  { ...many("", "string", text("\u0001\"'\\")), name: "document of bad texts" },
  json("ints", { type: "array", items: "int" }, `[${repeated("1")}]`),
  json("longs", { type: "array", items: "long" }, `[${repeated("9223372036854775807")}]`),
  json("doubles", { type: "array", items: "double" }, `[${repeated("1.2345678901234567")}]`),
  json("exponents", { type: "array", items: "double" }, `[${repeated("1e300")}]`),
  json("nulls", { type: "array", items: "null" }, `[${repeated("null")}]`),
  json("empty texts", { type: "array", items: "string" }, `[${repeated("\"\"")}]`),
  json("escaped texts", { type: "array", items: "string" }, `[${repeated("\"\\n\"")}]`),
  json("escaped text", "string", `"${"\\n".repeat(mebibyte / 2)}"`),
  json("escaped quotes", "string", `"${"\\\"".repeat(mebibyte / 2)}"`),
  json("escaped back-slashes", "string", `"${"\\\\".repeat(mebibyte / 2)}"`),
  json("unclosed back-slashes", "string", `"${"\\".repeat(mebibyte)}`),
  json("digits", "double", "1".repeat(mebibyte)),
  json("unions", { type: "array", items: ["int", "string", "boolean", "double"] }, `[${repeated("\"\"")}]`),
  json("tagged unions", { type: "array", items: ["int", "string"] }, `[${repeated(`{"int":1}`)}]`),
  json("empty objects", { type: "array", items: { type: "map", values: "int" } }, `[${repeated("{}")}]`),
  json("map", { type: "map", values: "int" }, `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(",")}}`),
  json("unknown fields", "int", `1${Array.from({ length: 90_000 }, (_, i) => `,"k${i}":1`).join("")}`),
  json("brackets", "int", "[".repeat(mebibyte)),
  json("orders", { type: "array", items: order }, `[${repeated(jsonOrder)}]`)
]

const ms = (value: number): string => value.toFixed(1).padStart(6)
const noRecord = { timestampMs: 0, key: null, value: null, headers: [], offset: 1n }

/** What one case does, step by step; each takes what the one before has given. */
const stepsOf = ({ bytes, json: isJson = false, type }: Case) => {
  const codec = Either.getOrThrow(compile(JSON.stringify(record({ a: type }, "Top"))))
  const plan = Either.getOrThrow(
    planTable({ schema: codec.schema, topic: "bench", schemaId: 1, table: "bench", settings: defaultTopicSettings })
  )
  const encoder = makeRowEncoder(mysql, plan, { keyColumns: true, ignored: new Set() }, sha256)
  const read = jsonReader(codec.schema)
  const decode = isJson
    ? () => Either.flatMap(parseExactJson(bytes.toString(), jsonValuesMax), (value) => read(value, bytes.length))
    : () => codec.decode(bytes, 0)
  return {
    decode,
    row: (value: unknown) =>
      Either.mapLeft(
        encoder.write({ record: noRecord, key: undefined, value, sourceId: 7, partition: 2 }),
        ({ reason }) => reason
      ),
    statement: (change: Parameters<ReturnType<typeof makeChangeBatch>["add"]>[0]) => {
      const batch = makeChangeBatch(mysql, 4 * mebibyte)
      batch.add(change)
      return Either.right(batch.take().reduce((sum, each) => sum + Buffer.from(each).length, 0))
    }
  }
}

/** The case, or as many of its items as are decoded. */
const accepted = (one: Case): Case => {
  if (one.of === undefined || Either.isRight(stepsOf(one).decode())) return one
  let [taken, refused] = [0, one.of.count]
  while (refused - taken > 1 + taken / 100) {
    const middle = Math.floor((taken + refused) / 2)
    if (Either.isRight(stepsOf(one.of.make(middle)).decode())) taken = middle
    else refused = middle
  }
  return one.of.make(taken)
}

/** The smaller of wall clock and CPU time, noted in `times`. */
const timed = <A>(times: Array<number> | undefined, task: () => A): A => {
  const before = process.cpuUsage()
  const start = performance.now()
  const answer = task()
  const wall = performance.now() - start
  const { system, user } = process.cpuUsage(before)
  times?.push(Math.min(wall, (user + system) / 1000))
  return answer
}

const measure = (one: Case): number => {
  const { decode, row, statement } = stepsOf(one)
  const times: Array<Array<number>> = [[], [], []]
  let outcome = ""
  for (let round = 0; round < rounds; round++) {
    const done = timed(times[0], decode).pipe(
      Either.flatMap((value) => timed(times[1], () => row(value))),
      Either.flatMap((change) => timed(times[2], () => statement(change)))
    )
    outcome = Either.isLeft(done) ? done.left : `${done.right} bytes`
  }
  const sorted = times.map((list) => list.toSorted((a, b) => a - b))
  const best = sorted.map(([fastest = 0]) => fastest)
  const medians = sorted.map((sample) => sample[sample.length >> 1] ?? 0)
  const [decoding = 0, writing = 0, joining = 0] = best
  const worst = Math.max(decoding + writing, joining)
  console.log(
    `${one.name.padEnd(40)} ${best.map(ms).join(" ")}   ${medians.map(ms).join(" ")} ${
      worst > limitMs ? " OVER" : "     "
    }  ${outcome}`
  )
  return worst
}

const fieldsOf = (count: number, type: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, type]))
const fixeds = Array.from({ length: 9_000 }, (_, index) => ({ type: "fixed", name: `F${index}`, size: 1 }))
const symbols = Array.from({ length: 6_000 }, (_, index) => `S${index}`)
/** At the limits of `parseSchema`. */
const schemas: Readonly<Record<string, unknown>> = {
  "1,000 columns": record(fieldsOf(1_000, ["null", "string"])),
  "9,900 fields in a document": record({ a: record(fieldsOf(9_900, "int"), "S") }),
  "9,900 decimals": record({
    a: record(fieldsOf(9_900, logical("bytes", "decimal", { precision: 9, scale: 2 })), "S")
  }),
  "4,900 records": record({
    a: record(Object.fromEntries(fixeds.slice(0, 4_900).map(({ name }) => [name, record({ x: "int" }, name)])), "S")
  }),
  "a union of 9,000": record({ a: fixeds }),
  "900 columns of one record": record({ s: record(fieldsOf(26, "int"), "S"), ...fieldsOf(890, "S") }),
  "900 columns beside 7,000 fields": record({
    a: record(fieldsOf(7_000, "int"), "S"),
    ...fieldsOf(890, { type: "array", items: "int" })
  }),
  "6,000 symbols, used 4 times": record({
    a: record({ e: { type: "enum", name: "E", symbols }, ...fieldsOf(3, "E") }, "S")
  }),
  "80,000 attributes": { ...record({ a: "int" }), ...fieldsOf(80_000, 1) }
}

const measureSchema = ([name, schema]: readonly [string, unknown]): number => {
  const schemaText = JSON.stringify(schema)
  const times: ReadonlyArray<Array<number>> = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    const codec = timed(times[0], () => Either.getOrThrow(compile(schemaText)))
    const request = {
      schema: codec.schema,
      topic: "bench",
      schemaId: 1,
      table: "bench",
      settings: defaultTopicSettings
    }
    const plan = timed(times[1], () => Either.getOrThrow(planTable(request)))
    timed(times[2], () => makeRowEncoder(mysql, plan, { keyColumns: true, ignored: new Set() }, sha256))
  }
  const best = times.map((list) => Math.min(...list))
  const worst = Math.max(...best)
  console.log(`${name.padEnd(40)} ${best.map(ms).join(" ")} ${worst > limitMs ? " OVER" : ""}`)
  return worst
}

console.log(`${"".padEnd(40)} best: decode, row, statement; median: the same`)
const [wanted = ""] = process.argv.slice(2)
const wantedSchemas = Object.entries(schemas).filter(([name]) => name.includes(wanted))
const worst = cases.filter(({ name }) => name.includes(wanted)).map(accepted).map(measure)
console.log(`${"".padEnd(40)} best: reading a schema, its table, what writes its rows`)
const worstSchemas = wantedSchemas.map(measureSchema)
const longest = Math.max(...worst, ...worstSchemas)
console.log(`longest: ${ms(longest)} ms`)
if (longest > limitMs) process.exitCode = 1
