import type { LogRange } from "../../domain/KafkaRecord.js"
import type { Broker } from "./internals.js"

/** Timestamps that stand for the ends of the log in ListOffsets. */
const earliest = -2
const latest = -1
const readUncommitted = 0
const readCommitted = 1

/** The ranges of partitions that `broker` leads; rejects with kafkajs's error if it does not lead one of them. */
export const rangesAt = async (
  broker: Broker,
  topic: string,
  partitions: ReadonlyArray<number>
): Promise<ReadonlyArray<LogRange>> => {
  const ask = async (timestamp: number, isolationLevel: number) => {
    const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }]
    const { responses } = await broker.listOffsets({ isolationLevel, topics })
    return new Map(
      responses.flatMap((response) =>
        response.partitions.map(({ offset, partition }) => [partition, BigInt(offset)] as const)
      )
    )
  }
  // The low end first: it only grows, so that the range is never empty by a deletion in between.
  const low = await ask(earliest, readUncommitted)
  const lastStable = await ask(latest, readCommitted)
  const end = await ask(latest, readUncommitted)
  return partitions.flatMap((partition) => {
    const range = { low: low.get(partition), lastStable: lastStable.get(partition), end: end.get(partition) }
    return range.low === undefined || range.lastStable === undefined || range.end === undefined
      ? []
      : [{ partition, low: range.low, lastStable: range.lastStable, end: range.end }]
  })
}
