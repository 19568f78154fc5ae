import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Either, Fiber, Option } from "effect"
import { randomValues } from "../../src/domain/avro/randomValue.js"
import { makeRandom, type SeededRandom } from "../../src/domain/random.js"
import { writeFrame } from "../../src/domain/WireFormat.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { RegistryRefused, SchemaNotFound, SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { logged } from "../support/logged.js"
import { differences, payment, startInstance } from "../support/pipeline.js"
import { createTopic, run } from "../support/simulated.js"

// Goal: nothing that somebody puts into a topic or a registry stops its partition or is lost. Method: the whole job, from
// bytes to rows, over records that are made to break it, among good ones. What each has to become stands beside it.

const record = (fields: Readonly<Record<string, unknown>>, name = "R", more: object = {}) => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type, ...more }))
})
const arrays = (levels: number): unknown => levels === 0 ? "int" : { type: "array", items: arrays(levels - 1) }
/** As many uses of names as make a million types of 400 characters. */
const tower = (levels: number): object =>
  levels === 0 ? record({ x: "int" }, "T0") : record({ a: tower(levels - 1), b: `T${levels - 1}` }, `T${levels}`)
const items = <A>(count: number, make: (index: number) => A) => Array.makeBy(count, make)
const enumOf = (count: number) => ({ type: "enum", name: "E", symbols: items(count, (index) => `S${index}`) })

const list = { ...record({ v: "int" }, "List") }
const linked = { ...list, fields: [...list.fields, { name: "next", type: ["null", "List"] }] }
const zoo = record({
  a: { type: "array", items: "long" },
  m: { type: "map", values: ["null", "string"] },
  u: ["int", "string", { type: "fixed", name: "F", size: 2 }],
  e: enumOf(3),
  l: ["null", linked],
  d: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 },
  t: { type: "long", logicalType: "timestamp-micros" },
  b: "boolean"
}, "Zoo")

/** By id; what is text is no JSON. */
const schemas = {
  ints: record({ a: { type: "array", items: "int" } }),
  nulls: record({ a: { type: "array", items: "null" } }),
  empties: record({ a: { type: "array", items: record({}, "E") } }),
  map: record({ a: { type: "map", values: "int" } }),
  text: record({ a: "string" }),
  long: record({ a: "long" }),
  union: record({ a: ["null", "int", "string"] }),
  list: record({ a: linked }),
  levels: record({ a: arrays(60) }),
  decimals: record({
    a: { type: "array", items: { type: "bytes", logicalType: "decimal", precision: 9_000, scale: 2 } }
  }),
  time: record({ a: { type: "long", logicalType: "timestamp-micros" } }),
  enum: record({ a: enumOf(3) }),
  /** A default that leaves out what it is the default of. */
  endless: record({ a: "R" }, "R", { default: {} }),
  zoo,
  deep: record({ a: arrays(65) }),
  unknownName: record({ a: "Nobody" }),
  expanded: tower(20),
  symbols: record({ e: enumOf(5_000), ...Object.fromEntries(items(900, (index) => [`f${index}`, "E"])) }),
  fields: record(Object.fromEntries(items(20_000, (index) => [`f${index}`, "int"]))),
  longName: record({}, `R${".a".repeat(100_000)}`),
  prototype: JSON.parse(`{"type":"record","name":"R","fields":[{"name":"__proto__","type":"int"}]}`),
  hollow: `${`{"type":`.repeat(100_000)}"int"`,
  brackets: "[".repeat(500_000),
  protobuf: "message P {}",
  empty: "",
  number: 7
} satisfies Readonly<Record<string, unknown>>

type SchemaNames = keyof typeof schemas | "unknown" | "refused"
const names: ReadonlyArray<SchemaNames> = Array.filter(
  ["unknown", "refused", ...Object.keys(schemas)],
  (name): name is SchemaNames => name in schemas || name === "unknown" || name === "refused"
)
const firstId = 100
const idOf = (name: SchemaNames): number => firstId + names.indexOf(name)
const textOf = (schema: unknown): string => typeof schema === "string" ? schema : JSON.stringify(schema)
const texts: ReadonlyMap<number, string> = new Map(
  Object.entries(schemas).map(([name, schema]) => [firstId + names.findIndex((each) => each === name), textOf(schema)])
)

const payments = JSON.stringify(record({ id: "long" }, "Payment"))
const missing = (what: string) => Effect.fail(new SchemaNotFound({ what, registry: "memory" }))
const registry = SchemaRegistry.of({
  byId: (id) => {
    if (id === idOf("refused")) {
      return Effect.fail(new RegistryRefused({ registry: "memory", kind: "schema", what: "no Avro" }))
    }
    const schema = id === 7 ? payments : texts.get(id)
    return schema === undefined ? missing(`schema id ${id}`) : Effect.succeed({ id, schema, references: [] })
  },
  byGuid: missing,
  latest: missing,
  register: () => Effect.succeed(7)
})

type Fate = "row" | "letter" | "either"
interface Hostile {
  readonly what: string
  readonly value: Uint8Array
  readonly fate: Fate
  readonly headers?: ReadonlyArray<readonly [string, Uint8Array | null]>
}
const hostile = (fate: Fate, what: string, schema: SchemaNames, bytes: string | Uint8Array): Hostile => ({
  what: `${schema}: ${what}`,
  value: writeFrame(idOf(schema), typeof bytes === "string" ? Buffer.from(bytes, "hex") : bytes),
  fate
})
const raw = (what: string, bytes: string, headers: Hostile["headers"] = []): Hostile => ({
  what,
  value: Buffer.from(bytes, "hex"),
  fate: "letter",
  headers
})
const repeated = (times: number, ...bytes: ReadonlyArray<number>) =>
  Buffer.concat([Buffer.alloc(times * bytes.length, Buffer.of(...bytes))])
const most = "feffffffffffffffff01"

const hostiles: ReadonlyArray<Hostile> = [
  raw("nothing", ""),
  raw("no magic byte", "7b7d"),
  raw("half an id", "000000"),
  raw("a header that is no schema id", "02", [["__value_schema_id", Buffer.from("01ff", "hex")]]),
  raw("a header without a value", "02", [["__value_schema_id", null]]),
  raw("an unknown guid", "02", [["__value_schema_id", Buffer.alloc(17, 1)]]),
  hostile("letter", "an id that nobody knows", "unknown", "02"),
  hostile("letter", "what the registry itself does not take", "refused", "02"),
  hostile("letter", "2^62 items", "ints", most),
  hostile("letter", "more items than bytes", "ints", "8080800102"),
  hostile("letter", "2^62 items of no bytes", "nulls", `${most}00`),
  hostile("letter", "a million items of no bytes", "nulls", "80897a00"),
  hostile("letter", "a million records of no bytes", "empties", "80897a00"),
  hostile("row", "a thousand items of no bytes", "nulls", "d00f00"),
  hostile("row", "a block with its size", "ints", "0304020400"),
  hostile("letter", "a block with a wrong size", "ints", "0306020400"),
  hostile("letter", "the lowest count", "ints", "ffffffffffffffffff010000"),
  hostile("letter", "blocks without an end", "ints", repeated(100_000, 2, 2)),
  hostile("letter", "a count of eleven bytes", "ints", "8080808080808080808000"),
  hostile("letter", "an int of more than 32 bits", "ints", "02ffffffff1f00"),
  hostile("letter", "a long of eleven bytes", "long", "ffffffffffffffffffffff01"),
  hostile("letter", "a long of more than 64 bits", "long", "ffffffffffffffffff7f"),
  hostile("either", "zero in three bytes", "long", "808000"),
  hostile("row", "the highest long", "long", most),
  hostile(
    "row",
    "a key __proto__",
    "map",
    Buffer.concat([Buffer.of(2, 18), Buffer.from("__proto__"), Buffer.of(2, 0)])
  ),
  hostile("row", "a key twice", "map", "0402610202610400"),
  hostile("letter", "a key that is no UTF-8", "map", "0202ff0200"),
  hostile("letter", "no UTF-8", "text", "04c328"),
  hostile("letter", "half a surrogate pair", "text", "06eda080"),
  hostile(
    "row",
    "characters that end texts elsewhere",
    "text",
    Buffer.concat([Buffer.of(10), Buffer.from("\0'\\\"\n")])
  ),
  hostile("letter", "a length of 2^62", "text", most),
  hostile("letter", "a length below zero", "text", "01"),
  hostile("letter", "truncated", "text", "0a61"),
  hostile("letter", "trailing", "text", "026100"),
  hostile("letter", "no branch 3", "union", "0602"),
  hostile("letter", "no branch -1", "union", "0102"),
  hostile("letter", "no branch 2^62", "union", most),
  hostile("letter", "no symbol 3", "enum", "06"),
  hostile("letter", "no symbol -1", "enum", "01"),
  hostile("row", "a list of 50", "list", Buffer.concat([repeated(49, 2, 2), Buffer.of(2, 0)])),
  hostile("letter", "a list of 100,000", "list", Buffer.concat([repeated(99_999, 2, 2), Buffer.of(2, 0)])),
  hostile("letter", "a list without an end", "list", repeated(100_000, 2, 2)),
  hostile("letter", "a record in itself without an end", "endless", "02"),
  hostile("row", "60 levels", "levels", Buffer.concat([repeated(60, 2), Buffer.of(2), repeated(60, 0)])),
  hostile("letter", "60 levels, not closed", "levels", repeated(100, 2)),
  hostile(
    "letter",
    "a decimal of too many bytes",
    "decimals",
    Buffer.concat([Buffer.of(2, 160, 156, 1), Buffer.alloc(10_000, 1), Buffer.of(0)])
  ),
  hostile("letter", "a time after all calendars", "time", most),
  ...(
    [
      "deep",
      "unknownName",
      "expanded",
      "symbols",
      "fields",
      "longName",
      "prototype",
      "hollow",
      "brackets",
      "protobuf",
      "empty",
      "number"
    ] as const
  ).map((schema) => hostile("letter", "a schema that is refused", schema, "0202"))
]

const zooCodec = Either.getOrThrow(compile(JSON.stringify(zoo)))
const zooValues = Either.getOrThrow(randomValues(zooCodec.schema))

/** A valid record with some of its bytes changed, taken out or doubled. */
const mutated = (random: SeededRandom): Hostile => {
  let bytes = Buffer.from(zooCodec.encode(zooValues(random)))
  for (let times = random.integer(1, 3); times > 0; times--) {
    const at = random.integer(0, bytes.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    const length = random.integer(0, 4)
    bytes = Buffer.concat(
      random.pick<ReadonlyArray<Uint8Array>>(
        [before, random.bytes(length), after.subarray(length)],
        [before, after.subarray(length)],
        [before, after.subarray(0, length), after],
        [before, Buffer.of(random.pick(0, 1, 127, 128, 255)), after.subarray(1)]
      )
    )
  }
  return hostile("either", `mutated ${bytes.toString("hex")}`, "zoo", bytes)
}

const broken = /\b(ERROR|FATAL)\b|\b\w*Error\b|is stopped|maximum call stack/i

const storm = (seed: number) =>
  logged((lines) =>
    Effect.gen(function*() {
      yield* createTopic(1)
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      const random = makeRandom(seed)
      const log = kafka.log("orders", 0)
      const fates = new Map<bigint, { readonly what: string; readonly fate: Fate }>()
      const append = ({ fate, headers = [], value, what }: Hostile) => {
        fates.set(log.append({ timestampMs: 1, key: null, value, headers }), { what, fate })
      }
      const all = [...hostiles, ...items(200, () => mutated(random))]
      const shuffled = all.map((one) => [random.fraction(), one] as const).toSorted(([a], [b]) => a - b)
      for (const [, one] of shuffled) {
        append(one)
        append({ what: "good", value: payment(random.integer(0, 1000)), fate: "row" })
        append({
          what: "good zoo",
          value: writeFrame(idOf("zoo"), zooCodec.encode(zooValues(random))),
          fate: "row"
        })
      }
      const instance = yield* startInstance({ "errors.max.rate": "1" })
      yield* Effect.sleep(600_000)
      assert.isTrue(Option.isNone(yield* Fiber.poll(instance)), "a defect has ended the job")
      assert.deepStrictEqual(lines.filter((line) => broken.test(line)), [])
      const letters = new Map([...database.letters.values()].map(({ letter }) => [letter.record.offset, letter.error]))
      const wrong = [...fates].flatMap(([offset, { fate, what }]) => {
        const error = letters.get(offset)
        const became = error === undefined ? "row" : "letter"
        return fate === became || fate === "either" ? [] : [`${what} is a ${became} ${error?.message ?? ""}`]
      })
      assert.deepStrictEqual(wrong, [])
      assert.deepStrictEqual(yield* differences, [])
      for (const { class: kind, message } of letters.values()) {
        assert.include(["undecodable", "unstorable"], kind)
        assert.isAtLeast(message.length, 10)
        assert.isAtMost(message.length, 2_000)
      }
      yield* Fiber.interrupt(instance)
    })
  )

describe("hostile records among good ones", () => {
  for (const seed of Array.range(1, 3)) {
    it(`are rows or letters with a reason, and every good one is a row (seed ${seed})`, () =>
      run(Effect.provideService(storm(seed), SchemaRegistry, registry), seed))
  }
})
