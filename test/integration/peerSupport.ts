import { assert } from "@effect/vitest"
import { Effect, Either, Fiber, Layer } from "effect"
import type { Connection } from "mysql2/promise"
import { writeFrame } from "../../src/domain/WireFormat.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { Destination } from "../../src/layers/Destination.js"
import { layerMemory as layerKafka, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { layerMysql } from "../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../src/layers/mysql/MysqlConfig.js"
import { layerMemory as layerRegistry } from "../../src/layers/registry/MemoryRegistry.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { runCommand } from "../../src/programs/run.js"
import { logged } from "../support/logged.js"
import { testConfig } from "../support/pipeline.js"
import { ownDatabase, query, until } from "./mysql/support.js"

// The main job as it runs, from a Kafka and a registry in memory into a real MySQL.

/** One fetch gives a whole topic, so that what is sent before the job starts is one batch. */
export const layerPeers = Layer.merge(layerKafka({ fetchRecords: 100_000, pollIntervalMs: 2 }), layerRegistry)

type Field = readonly [name: string, type: unknown, preset?: unknown]
export const record = (fields: ReadonlyArray<Field>, name = "R"): object => ({
  type: "record",
  name,
  fields: fields.map(([field, type, preset]) => ({
    name: field,
    type,
    ...(preset === undefined ? {} : { default: preset })
  }))
})
export const logical = (type: string, logicalType: string, more: object = {}): object => ({
  type,
  logicalType,
  ...more
})

/** Puts values in their schema's frame; the registry learns the schema. */
const framing = (schema: unknown) =>
  Effect.gen(function*() {
    const text = JSON.stringify(schema)
    const registry = yield* SchemaRegistry
    const id = yield* Effect.orDie(registry.register("any", text))
    const codec = Either.getOrThrow(compile(text))
    return (value: unknown): Uint8Array => writeFrame(id, codec.encode(value))
  })

export const avro = (schema: unknown, value: unknown) => Effect.map(framing(schema), (frame) => frame(value))

export interface Sent {
  readonly value: Uint8Array | null
  readonly key?: Uint8Array
}

export const send = (topic: string, records: ReadonlyArray<Sent>) =>
  Effect.map(MemoryKafka, (kafka) => {
    if (!kafka.topics.has(topic)) kafka.createTopic(topic, 1)
    for (const { key, value } of records) kafka.append(topic, 0, value, key ?? null)
  })

/** Records of one schema and without keys. */
export const sendValues = (topic: string, schema: unknown, values: ReadonlyArray<unknown>) =>
  Effect.flatMap(framing(schema), (frame) => send(topic, values.map((value) => ({ value: frame(value) }))))

const configured = (topic: string, settings: Readonly<Record<string, string>>) =>
  testConfig({ "kafka.topics": topic, "linger.ms": "0", "errors.max.rate": "1", ...settings })

const stopLine = (lines: ReadonlyArray<string>) => lines.find((line) => line.includes("is stopped"))

/** A database of one's own, and the job into it. */
export const peerDatabase = (uri: string) =>
  Effect.map(ownDatabase(uri), ({ admin, config, database }) => {
    /** Until the topic's end is stored; answers in how many transactions. `afterDdl`: when a table has been made ready. */
    const deliver = (
      topic: string,
      settings: Readonly<Record<string, string>> = {},
      afterDdl: Effect.Effect<unknown> = Effect.void
    ) =>
      Effect.gen(function*() {
        let writes = 0
        const watched = Effect.map(Destination, (destination) =>
          Destination.of({
            ...destination,
            write: (request) => Effect.zipRight(Effect.sync(() => writes++), destination.write(request)),
            ensureTable: (plan, policy) => Effect.zipLeft(destination.ensureTable(plan, policy), afterDdl)
          }))
        const running = runCommand(configured(topic, settings), { untilEnd: true })
        const layer = Layer.effect(Destination, watched).pipe(Layer.provide(layerMysql(config)))
        yield* logged(() => Effect.provide(running, layer))
        return writes
      })
    /** Until something is stopped; answers with the line that says so. */
    const stopped = (topic: string, settings: Readonly<Record<string, string>> = {}, own: MysqlConfig = config) =>
      logged((lines) =>
        Effect.gen(function*() {
          const running = yield* Effect.fork(runCommand(configured(topic, settings), { untilEnd: false }))
          yield* until(Effect.sync(() => stopLine(lines) !== undefined))
          yield* Fiber.interrupt(running)
          return stopLine(lines) ?? assert.fail("nothing has stopped")
        }).pipe(Effect.provide(layerMysql(own)))
      )
    return { admin, config, database, deliver, stopped, ...reading(admin) }
  })

const reading = (admin: Connection) => {
  const run = (sql: string) => query(admin, sql)
  const select = (sql: string): Effect.Effect<unknown> =>
    Effect.promise(() => admin.query({ sql, rowsAsArray: true, supportBigNumbers: true }).then(([rows]) => rows))
  const first = (sql: string) =>
    Effect.map(select(sql), (rows) => Array.isArray(rows) && Array.isArray(rows[0]) ? Array.from(rows[0]) : [])
  /** `offset class errno attempts` of each letter. */
  const letters = (topic: string) =>
    Effect.map(
      select(
        "SELECT CONCAT_WS(' ', `offset`, error_class, error_code, attempts) FROM dead_letters"
          + ` WHERE topic = '${topic}' ORDER BY id`
      ),
      (rows) => Array.isArray(rows) ? rows.flat() : []
    )
  const storedOffset = (topic: string) =>
    first(`SELECT CAST(\`offset\` AS CHAR) FROM kafka_offsets WHERE topic = '${topic}'`)
  /** `name type` of each visible column. */
  const columns = (table: string) =>
    Effect.map(
      select(
        "SELECT CONCAT(COLUMN_NAME, ' ', COLUMN_TYPE) FROM information_schema.COLUMNS"
          + ` WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' AND EXTRA NOT LIKE '%INVISIBLE%'`
          + " ORDER BY ORDINAL_POSITION"
      ),
      (rows) => Array.isArray(rows) ? rows.flat() : []
    )
  return { run, select, first, letters, storedOffset, columns }
}
