import { limitsOf } from "../../src/layers/kafka/fetchResponse.js"

export const mebibyte = 1024 * 1024

/** What the program takes for granted where its configuration does not say otherwise. */
const fetchMaxBytesPerPartition = mebibyte
/** Of what a fetch brings compressed, so many times its bytes are decoded and wait (`limitsOf`, layers/kafka/fetchResponse.ts). */
const expansion = limitsOf(fetchMaxBytesPerPartition).heldBytesMax / fetchMaxBytesPerPartition
/** A record that waits is a few objects beside its bytes: offset, views on key and value, headers. */
const recordOverheadBytes = 512
/** Garbage: Node lets about as much gather as is in use before it looks through all of the memory. */
const garbageFactor = 2
/** Beside records: the statements on 16 connections, one answer of a broker (10 MiB), twice while its pieces are joined. */
const slackBytes = 128 * mebibyte

export interface Load {
  readonly partitions: number
  readonly recordBytes: number
  readonly queueMaxBytes: number
  /** Compressed batches. */
  readonly gzip: boolean
}

export const promiseOf = ({ gzip }: Load): string => {
  const fetched = gzip ? `${expansion} times a fetch per partition` : "one fetch per partition"
  return `growth <= 2 x (queue.max.bytes + ${fetched}, each record with 512 bytes more) + 128 MiB`
}

/** Most that resident memory may grow while the database stands still. */
export const growthMaxBytes = ({ gzip, partitions, queueMaxBytes, recordBytes }: Load): number => {
  const recordsBytes = queueMaxBytes + partitions * fetchMaxBytesPerPartition * (gzip ? expansion : 1)
  return Math.round(garbageFactor * recordsBytes * (1 + recordOverheadBytes / recordBytes) + slackBytes)
}
