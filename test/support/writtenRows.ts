import { Effect, Either, Layer } from "effect"
import { join } from "node:path"
import { sqlite } from "../../src/domain/sql/sqlite.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { layer as layerLibsql } from "../../src/layers/embedded/LibsqlDestination.js"
import { openLibsql } from "../../src/layers/embedded/libsqlFile.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { SchemaNotFound, SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { runCommand } from "../../src/programs/run.js"
import { temporaryFolder } from "../layers/embedded/temporaryFolder.js"
import { testConfig } from "./pipeline.js"

type Fields = ReadonlyArray<{ readonly name: string; readonly type: unknown }>
export const recordSchema = (name: string, fields: Fields): string => JSON.stringify({ type: "record", name, fields })

/** A registry that knows these schemas by these ids. */
const registryOf = (schemas: ReadonlyMap<number, string>): Layer.Layer<SchemaRegistry> =>
  Layer.succeed(SchemaRegistry, {
    byId: (id) => {
      const schema = schemas.get(id)
      return schema === undefined
        ? Effect.fail(new SchemaNotFound({ what: `schema id ${id}`, registry: "memory" }))
        : Effect.succeed({ id, schema, references: [] })
    },
    byGuid: (guid) => Effect.fail(new SchemaNotFound({ what: guid, registry: "memory" })),
    latest: (subject) => Effect.fail(new SchemaNotFound({ what: subject, registry: "memory" })),
    register: () => Effect.succeed(0)
  })

/** Writes a value with one of these schemas, in Confluent framing. */
export const encoderOf = (schemas: ReadonlyMap<number, string>) => (id: number, value: unknown): Uint8Array => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, Either.getOrThrow(compile(schemas.get(id) ?? "\"null\"")).encode(value)])
}

interface Sent {
  readonly topic?: string
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
}

/** A topic of memory, read to its end into a database in a file; each call of `send` is one batch. */
export const makeWritten = (schemas: ReadonlyMap<number, string>, settings: Record<string, string>) =>
  Effect.gen(function*() {
    const file = join(yield* temporaryFolder, "tributary.db")
    const services = yield* Layer.build(
      Layer.mergeAll(
        layerMemory({ fetchRecords: 50, pollIntervalMs: 5 }),
        layerLibsql({ file, dialect: sqlite, autoCreate: true }),
        registryOf(schemas)
      )
    )
    const config = testConfig({ "linger.ms": "0", "errors.max.rate": "1", ...settings })
    const kafka = yield* Effect.provide(MemoryKafka, services)
    for (const topic of (settings["kafka.topics"] ?? "orders").split(",")) kafka.createTopic(topic, 1)
    const shell = yield* openLibsql(file)
    return {
      /** Appends these records, and answers when all of the log is written. */
      send: (records: ReadonlyArray<Sent>) =>
        Effect.suspend(() => {
          for (const { key = null, topic = "orders", value } of records) kafka.append(topic, 0, value, key)
          return Effect.provide(runCommand(config, { untilEnd: true }), services)
        }),
      rows: (query: string) => Effect.orDie(shell.unsafe<Readonly<Record<string, unknown>>>(query))
    }
  })
