import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import type { ConsumerRecord } from "../../../src/domain/consumerRecord.js"
import { RegistryUnavailable, SchemaNotFound, SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import { makeAvroValues } from "../../../src/programs/read/avroValues.js"
import { type FormatName, lines, plainValues, render } from "../../../src/programs/read/formats.js"
import { stdoutSinks } from "../../../src/programs/read/stdoutSink.js"
import { table } from "../../../src/programs/read/table.js"
import { payment } from "../../support/pipeline.js"
import { captured } from "../captured.js"

const record = (value: Uint8Array | null, key: string | null = null, offset = 7n): ConsumerRecord => ({
  topic: "t",
  partition: 2,
  offset,
  timestampMs: 1571987538865,
  key: key === null ? null : Buffer.from(key),
  value,
  headers: key === null ? [] : [["h", Buffer.from("1")], ["h", null]]
})
const text = (value: string | null, key: string | null = null) =>
  record(value === null ? null : Buffer.from(value), key)

const shown = (format: FormatName, ...records: ReadonlyArray<ConsumerRecord>) =>
  render(plainValues, lines(format, "read_committed"))(records)

describe("a format shows", () => {
  it.effect("the value, or null", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* shown("value", text("a"), text(null)), ["a\n", "null\n"])
    }))

  it.effect("key and value, with a tab between", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* shown("key+value", text("a", "k"), text("b")), ["k\ta\n", "null\tb\n"])
    }))

  it.effect("one JSON object per line, with all digits of the offset and headers in order", () =>
    Effect.gen(function*() {
      const large = record(Buffer.from("{\"a\":1}\n"), "k", 2n ** 63n - 1n)
      assert.deepStrictEqual(yield* shown("json", large), [
        `{"topic":"t","partition":2,"offset":9223372036854775807,"timestamp":1571987538865,"key":"k",` +
        `"value":"{\\"a\\":1}\\n","headers":[{"key":"h","value":"1"},{"key":"h","value":null}]}\n`
      ])
    }))

  it.effect("Java's line behind what was read when", () =>
    Effect.gen(function*() {
      const [java] = yield* shown("record", text("a"))
      const [labelled] = yield* shown("labelled", text("a"))
      const label = "Reading committed messages , now time is Thu Jan 01 00:00:00 UTC 1970  value is\n\t"
      assert.strictEqual(labelled, `${label}${java}`)
      const uncommitted = yield* render(plainValues, lines("labelled", "read_uncommitted"))([text("a")])
      assert.strictEqual(uncommitted[0], `${label.replace("committed", "uncommitted")}${java}`)
    }))
})

/** Knows schema 7; the first request of all fails as in an outage. */
const registry = Layer.suspend(() => {
  let requests = 0
  return Layer.mock(SchemaRegistry, {
    byId: (id) =>
      Effect.gen(function*() {
        if (requests++ === 0) return yield* new RegistryUnavailable({ registry: "memory", cause: "down" })
        if (id !== 7) return yield* new SchemaNotFound({ what: `schema id ${id}`, registry: "memory" })
        return { id, schema: `{"type":"record","name":"P","fields":[{"name":"id","type":"long"}]}`, references: [] }
      })
  })
})

describe("avro", () => {
  it.live("is decoded by its schema, through an outage; what is not Avro is reported, and the rest shown", () => {
    const log: Array<string> = []
    const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => void log.push(String(message))))
    return Effect.gen(function*() {
      const values = yield* makeAvroValues({ baseMs: 1, maxMs: 1 })
      const records = [payment(1), payment(2, 8), Buffer.from("{}"), null, payment(3).subarray(0, 5), payment(4)]
      const texts = yield* render(values, lines("avro", "read_committed"))(
        records.map((value, offset) => record(value, null, BigInt(offset)))
      )
      assert.deepStrictEqual(texts, [`{"id":1}\n`, undefined, undefined, "null\n", undefined, `{"id":4}\n`])
      const reports = log.filter((line) => line.includes("cannot be decoded"))
      assert.lengthOf(reports, 3)
      assert.match(reports[0] ?? "", /^t-2@1 .*schema id 8 is not in the schema registry memory; it is left out/)
      assert.match(reports[1] ?? "", /^t-2@2 .*it looks like JSON/)
      assert.match(reports[2] ?? "", /^t-2@4 .*does not fit its schema \(id 7\)/)
    }).pipe(Effect.provide(Layer.merge(registry, logger)))
  })
})

const rowOf = (separator: "," | "\t", one: ConsumerRecord) =>
  table(separator, undefined)?.row(one, one.value === null ? null : Buffer.from(one.value).toString(), 0)

describe("a row", () => {
  it("has the columns that its head names, quoted where a reader would be misled", () => {
    assert.strictEqual(table(",", undefined)?.head, "topic,partition,offset,timestamp,key,value\n")
    assert.strictEqual(rowOf(",", text("a\tb", "k")), "t,2,7,1571987538865,k,a\tb\n")
    assert.strictEqual(rowOf(",", text("a,b", "\"")), "t,2,7,1571987538865,\"\"\"\",\"a,b\"\n")
    assert.strictEqual(rowOf(",", text("a\r\nb")), "t,2,7,1571987538865,,\"a\r\nb\"\n")
    assert.strictEqual(rowOf("\t", text("a\tb,c")), "t\t2\t7\t1571987538865\t\t\"a\tb,c\"\n")
  })

  it("tells a null from an empty text", () => {
    assert.strictEqual(rowOf(",", text(null)), "t,2,7,1571987538865,,\n")
    assert.strictEqual(rowOf(",", text("", "")), "t,2,7,1571987538865,\"\",\"\"\n")
  })
})

const stdout = (named: boolean) => stdoutSinks(render(plainValues, lines("value", "read_committed")), named)

it.effect("standard output names the member where there are several, and stores no position", () =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const starts = new Map([[0, 5n]])
    assert.strictEqual(yield* stdout(true)("consumer-thread-1").begin("t", starts), starts)
    yield* Effect.withConsole(stdout(true)("consumer-thread-1").write([text("a"), text("b")]), console)
    yield* Effect.withConsole(stdout(false)("consumer-thread-0").write([text("c")]), console)
    assert.deepStrictEqual(out, ["consumer-thread-1 >> a\nconsumer-thread-1 >> b", "c"])
  }))
