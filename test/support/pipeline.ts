import { Effect, Either, Layer, Random } from "effect"
import type { Config } from "../../src/domain/Config.js"
import { parseConfig } from "../../src/domain/config/parse.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { layerMemory as layerMemoryDatabase, MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { layerMemory as layerMemoryKafka, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { RegistryUnavailable, SchemaNotFound, SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { runCommand } from "../../src/programs/run.js"

const schema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })
const codec = Either.getOrThrow(compile(schema))

/** A record in Confluent framing, whose only field is `id`. */
export const payment = (id: number, schemaId = 7): Uint8Array => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(schemaId, 1)
  return Buffer.concat([head, codec.encode({ id: BigInt(id) })])
}

/** Knows schema 7; `down` makes every request fail. */
export const registryState = { down: false }
const registry = Layer.succeed(SchemaRegistry, {
  byId: (id) =>
    Effect.gen(function*() {
      if (registryState.down) return yield* new RegistryUnavailable({ registry: "memory", cause: "down" })
      if (id !== 7) return yield* new SchemaNotFound({ what: `schema id ${id}`, registry: "memory" })
      return { id, schema, references: [] }
    }),
  byGuid: (guid) => Effect.fail(new SchemaNotFound({ what: guid, registry: "memory" })),
  latest: (subject) => Effect.fail(new SchemaNotFound({ what: subject, registry: "memory" })),
  register: () => Effect.succeed(7)
})

export const testLayer = Layer.mergeAll(
  layerMemoryKafka({ fetchRecords: 50, pollIntervalMs: 100 }),
  layerMemoryDatabase(mysql),
  registry
)

export const testConfig = (settings: Record<string, string> = {}): Config =>
  Either.getOrThrowWith(
    parseConfig({
      files: [],
      environment: {},
      secrets: new Map(),
      overrides: Object.entries({
        "kafka.bootstrap.servers": "localhost:9092",
        "kafka.topics": "orders",
        "kafka.schema.registry.url": "http://localhost:8081",
        "mysql.url": "mysql://localhost:3306/bank",
        "mysql.username": "consumer",
        "mysql.password": "secret",
        ...settings
      }).map(([name, value]) => ({ name, value, source: "test" }))
    }),
    (problems) => new Error(problems.map((problem) => `${problem.key}: ${problem.what}`).join("\n"))
  )

/** Starts an instance of the main job; interrupt the fiber to stop it. */
export const startInstance = (settings: Record<string, string> = {}) =>
  Effect.fork(runCommand(testConfig(settings), { untilEnd: false }))

/** `count` records spread over the partitions of `orders`, with invisible offsets in between where `gaps` says so. */
export const produce = (count: number, partitions: number, gaps = false) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    for (let i = 0; i < count; i++) {
      kafka.append("orders", i % partitions, payment(i))
      if (gaps && (yield* Random.next) < 0.1) kafka.appendInvisible("orders", i % partitions)
    }
  })

/** Every visible record of the log is a row once, in order, or else a letter; the stored offset is the end of the log. */
export const differences = Effect.gen(function*() {
  const kafka = yield* MemoryKafka
  const database = yield* MemoryDatabaseState
  const found: Array<string> = []
  for (const [topic, { logs }] of kafka.topics) {
    for (const [partition, log] of logs.entries()) {
      const letters = new Set(
        [...database.letters.values()].flatMap(({ letter }) =>
          letter.topic === topic && letter.partition === partition ? [String(letter.record.offset)] : []
        )
      )
      const all = log.records().map(({ offset }) => String(offset))
      for (const offset of letters) {
        if (!all.includes(offset)) found.push(`${topic}-${partition}: letter of no record ${offset}`)
      }
      const wanted = all.filter((offset) => !letters.has(offset))
      const rows = database.rows.filter((row) => row.table === topic && row.partition === partition)
      const got = rows.map((row) => String(row.offset))
      if (got.join() !== wanted.join()) {
        found.push(
          `${topic}-${partition}: ${wanted.length} records, ${got.length} rows, ${new Set(got).size} different`
        )
      }
      const stored = database.offsets.get(`${topic}/${partition}/group-${topic}`)?.offset
      if (stored !== log.end) found.push(`${topic}-${partition}: stored offset ${stored}, end ${log.end}`)
    }
  }
  return found
})
