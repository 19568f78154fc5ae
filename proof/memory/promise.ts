export const mebibyte = 1024 * 1024

/** What the program takes for granted where its configuration does not say otherwise. */
const fetchMaxBytesPerPartition = mebibyte
/** A record that waits is a few objects beside its bytes: offset, views on key and value, headers. */
const recordOverheadBytes = 512
/** Garbage: Node lets about as much gather as is in use before it looks through all of the memory. */
const garbageFactor = 2
/** Beside records: the statements on 16 connections, one answer of a broker (10 MiB), twice while its pieces are joined. */
const slackBytes = 128 * mebibyte

export const promise =
  "growth <= 2 x (queue.max.bytes + one fetch per partition, each record with 512 bytes more) + 128 MiB"

export interface Load {
  readonly partitions: number
  readonly recordBytes: number
  readonly queueMaxBytes: number
}

/** Most that resident memory may grow while the database stands still. */
export const growthMaxBytes = ({ partitions, queueMaxBytes, recordBytes }: Load): number => {
  const recordsBytes = queueMaxBytes + partitions * fetchMaxBytesPerPartition
  return Math.round(garbageFactor * recordsBytes * (1 + recordOverheadBytes / recordBytes) + slackBytes)
}
