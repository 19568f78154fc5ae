import type { KafkaRecord } from "../../domain/KafkaRecord.js"

/**
 * What one fetch brought of one partition, dressed as a single kafkajs message, so that it travels through kafkajs's
 * consumer unread: no per-record work there, no filter of its own, and a fetch that holds only control or aborted
 * records comes like any other instead of as an event without its starting offset. kafkajs reads the two fields below,
 * and takes `offset` for the last offset that the fetch covers.
 */
export class FetchedRecords {
  /** The offset that was asked for. */
  readonly fetchedOffset: bigint
  /** Last offset covered; compaction and markers make it more than the last record's. As kafkajs wants it: text. */
  readonly offset: string
  readonly nextOffset: bigint
  readonly records: ReadonlyArray<KafkaRecord>
  readonly bytes: number
  readonly isControlRecord = false

  constructor(fetchedOffset: bigint, lastOffset: bigint, records: ReadonlyArray<KafkaRecord>, bytes: number) {
    this.fetchedOffset = fetchedOffset
    this.offset = String(lastOffset)
    this.nextOffset = lastOffset + 1n
    this.records = records
    this.bytes = bytes
  }
}
