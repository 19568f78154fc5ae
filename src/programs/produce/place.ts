import type { LineRecord } from "../../domain/inputLines.js"
import { partitionOfKey } from "../../domain/murmur2.js"
import type { PlacedRecord } from "./accumulator.js"

/** By key, as the Java client, and in turn without one; all in turn; or the one partition. */
export type Partitioner = "key" | "round-robin" | number

/** A topic that is being filled. */
export interface Target {
  readonly topic: string
  readonly partitions: number
  readonly place: (record: LineRecord) => PlacedRecord
}

type Headers = ReadonlyArray<readonly [name: string, value: Uint8Array]>

/** A partition that the record names itself goes before the partitioner; its headers stand behind `headers`. */
export const makeTarget = (
  topic: string,
  partitions: number,
  partitioner: Partitioner,
  headers: Headers
): Target => {
  let turn = 0
  const choose = (key: Uint8Array | null): number => {
    if (typeof partitioner === "number") return partitioner
    return key === null || partitioner === "round-robin" ? turn++ % partitions : partitionOfKey(key, partitions)
  }
  return {
    topic,
    partitions,
    place: ({ headers: own = [], key, partition = choose(key), timestampMs, value }) => ({
      key,
      value,
      partition,
      ...(timestampMs === undefined ? {} : { timestampMs }),
      ...(headers.length + own.length === 0 ? {} : { headers: own.length === 0 ? headers : [...headers, ...own] })
    })
  }
}
