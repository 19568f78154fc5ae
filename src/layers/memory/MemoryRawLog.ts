import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { encodeBatch } from "../../domain/batchRecords.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import type { ProducerStamp } from "../../domain/recordBatch.js"
import { RawLog } from "../RawLog.js"
import { MemoryKafka } from "./MemoryCluster.js"
import type { LogItem, LogTransaction } from "./MemoryLog.js"

/** Over the cluster in memory, in the bytes that a broker would keep: a batch for each record and each marker. */
export const layerMemory: Layer.Layer<RawLog, never, MemoryKafka> = Layer.effect(
  RawLog,
  Effect.map(MemoryKafka, (cluster) =>
    RawLog.of({
      pieces: ({ from, partition, to, topic }) =>
        Stream.suspend(() => {
          const { items } = cluster.log(topic, partition)
          const bytes = Buffer.concat(
            items.filter(({ offset }) => offset >= from && offset < to).flatMap((item) => batchOf(item) ?? [])
          )
          return bytes.length === 0 ? Stream.empty : Stream.make({ bytes, position: 0 })
        })
    }))
)

const batchOf = (item: LogItem): Uint8Array | undefined => {
  if (item.kind === "hidden") return undefined
  if (item.kind !== "record") {
    return encodeBatch([markerOf(item)], undefined, { ...stampOf(item.transaction), control: true })
  }
  return item.transaction === undefined
    ? encodeBatch([item.record])
    : encodeBatch([item.record], undefined, stampOf(item.transaction))
}

/** The cluster in memory counts no sequences. */
const stampOf = ({ producerEpoch, producerId }: LogTransaction): ProducerStamp => ({
  producerId: BigInt(producerId),
  producerEpoch,
  baseSequence: -1,
  transactional: true
})

/** Key: version and kind (0 abort, 1 commit); value: version and epoch of the coordinator. Version 0 of both. */
const markerOf = ({ kind, offset, timestampMs }: LogItem & { readonly kind: "COMMIT" | "ABORT" }): KafkaRecord => ({
  offset,
  timestampMs,
  key: Uint8Array.of(0, 0, 0, kind === "COMMIT" ? 1 : 0),
  value: new Uint8Array(6),
  headers: []
})
