import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Processed } from "../../domain/delivery.js"
import type { Admin } from "../../layers/Admin.js"
import type { Consumer } from "../../layers/Consumer.js"
import { type MemoryProcess, startProcess } from "../../layers/memory/MemoryProcess.js"
import type { LogItem, MemoryLog } from "../../layers/memory/MemoryLog.js"
import type { Transactions } from "../../layers/Transactions.js"
import type { TransformOptions } from "../transform/settings.js"
import { transformCommand } from "../transform/transform.js"
import { labConfig } from "./labConfig.js"
import { type LabWorld, note, topic } from "./LabWorld.js"

export const outputTopic = "test-topic-out"

/** A process that copies the topic, exactly once. */
export const startCopy = (
  world: LabWorld,
  name: string,
  options: Partial<TransformOptions> = {}
): Effect.Effect<MemoryProcess<unknown, unknown>, never, Admin | Consumer | Transactions | Scope.Scope> =>
  Effect.zipRight(
    note(world, name, "start", "tributary transform"),
    startProcess(transformCommand(labConfig, {
      input: topic,
      output: outputTopic,
      map: "identity",
      poison: "stop",
      deadLetterTopic: undefined,
      group: undefined,
      transactionalId: undefined,
      commitIntervalMs: 2000,
      commitRecords: 0,
      transactionTimeoutMs: 60_000,
      isolation: "read_committed",
      from: "earliest",
      untilEnd: false,
      ...options
    }))
  )

const outputs = (world: LabWorld): ReadonlyArray<MemoryLog> => world.kafka.topics.get(outputTopic)?.logs ?? []

/** What a read_committed reader has got of the copy, at the time of each commit: the numbers of the lab's counter. */
export const copied = (world: LabWorld): ReadonlyArray<Processed> =>
  outputs(world).flatMap((log, partition) =>
    log.items.flatMap((item, index) => {
      if (item.kind !== "record" || item.transaction?.state !== "committed") return []
      const { offset, record: { value }, transaction } = item
      const marker = log.items.slice(index).find((later) => isMarkerOf(later, transaction))
      const atMs = marker?.timestampMs ?? item.record.timestampMs
      return [{ id: Number(textOf(value)), partition, offset, atMs, by: transaction.transactionalId }]
    })
  )

type Marker = LogItem & { readonly kind: "COMMIT" | "ABORT" }

const isMarker = (item: LogItem): item is Marker => item.kind === "COMMIT" || item.kind === "ABORT"

const isMarkerOf = (item: LogItem, transaction: Marker["transaction"]): item is Marker =>
  isMarker(item) && item.transaction === transaction

/** The control records of the copy, in order: what `log dump` shows of them. */
export const markers = (world: LabWorld): ReadonlyArray<"COMMIT" | "ABORT"> =>
  outputs(world).flatMap(({ items }) => items.filter(isMarker).map(({ kind }) => kind))

/** The values that a reader of the copy sees. */
export const copies = (world: LabWorld, isolation: "read_committed" | "read_uncommitted"): ReadonlyArray<string> =>
  outputs(world).flatMap((log) => log.records(isolation).map(({ value }) => textOf(value)))

const textOf = (value: Uint8Array | null): string => Buffer.from(value ?? []).toString()
