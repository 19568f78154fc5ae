import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Processed } from "../../domain/delivery.js"
import { mysql } from "../../domain/sql/mysql.js"
import { writeFrame } from "../../domain/WireFormat.js"
import { type AvroCodec, compile } from "../../layers/avro/AvroCodec.js"
import type { Destination } from "../../layers/Destination.js"
import { layerMemory as memoryDatabase, MemoryDatabaseState } from "../../layers/memory/MemoryDestination.js"
import { type MemoryProcess, startProcess } from "../../layers/memory/MemoryProcess.js"
import { layerMemory as memoryRegistry } from "../../layers/registry/MemoryRegistry.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { runCommand } from "../run.js"
import { labConfig } from "./labConfig.js"
import { type ClusterSettings, count, inLab, type LabServices, type LabWorld, note, topic } from "./LabWorld.js"
import type { Observed } from "./experiment.js"

export type PipelineServices = LabServices | Destination | MemoryDatabaseState | SchemaRegistry

const schema = JSON.stringify({ type: "record", name: "Counted", fields: [{ name: "id", type: "long" }] })
const codec: AvroCodec = Either.getOrThrow(compile(schema))

/** The main job's own program, as it runs everywhere else, on a cluster and a database in memory. */
export const inPipeline = (
  experiment: (world: LabWorld) => Effect.Effect<ReadonlyArray<string>, never, PipelineServices | Scope.Scope>,
  settings?: ClusterSettings
): Effect.Effect<Observed, never, Scope.Scope> =>
  inLab((world) =>
    Effect.gen(function*() {
      const database = yield* MemoryDatabaseState
      // A transaction takes long enough for faults to fall into it.
      database.latencyMs = 150
      const notes = yield* experiment(world)
      const partitions = world.kafka.topics.get(topic)?.logs.length ?? 1
      world.processed.push(...database.rows.map(({ atMs, offset, owner, partition }): Processed => ({
        id: Number(offset) * partitions + partition + 1,
        partition,
        offset,
        atMs,
        by: owner
      })))
      return notes
    }).pipe(Effect.provide(Layer.merge(memoryDatabase(mysql), memoryRegistry))), settings)

/** Appends the numbers as Avro. */
export const countFramed = (
  world: LabWorld,
  from: number,
  to: number,
  intervalMs = 0
): Effect.Effect<void, never, SchemaRegistry> =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const schemaId = yield* Effect.orDie(registry.register(`${topic}-value`, schema))
    yield* count(world, from, to, intervalMs, (id) => writeFrame(schemaId, codec.encode({ id: BigInt(id) })))
  })

/** A process that runs the main job. */
export const startPipeline = (
  world: LabWorld,
  name: string
): Effect.Effect<
  MemoryProcess<unknown, unknown>,
  never,
  Exclude<PipelineServices, MemoryDatabaseState> | Scope.Scope
> =>
  Effect.zipRight(note(world, name, "start", "tributary run"), startProcess(runCommand(labConfig, { untilEnd: false })))
