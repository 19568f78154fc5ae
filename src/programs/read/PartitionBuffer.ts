import type { FetchedBatch, KafkaRecord } from "../../domain/KafkaRecord.js"

/**
 * What was fetched of one partition and not polled yet. It holds less than `recordsMax` and one fetch: at or above, the
 * partition pauses. The batches form a chain; one that does not begin where the one before ended is not taken.
 */
export class PartitionBuffer {
  readonly #recordsMax: number
  #records: Array<KafkaRecord> = []
  /** Next offset to fetch. */
  #fetched: bigint
  #position: bigint
  #paused = false
  #strayed = false
  #unreadable: string | undefined

  constructor(position: bigint, recordsMax: number) {
    this.#recordsMax = recordsMax
    this.#position = position
    this.#fetched = position
  }

  /** Next offset that a poll hands over. Behind the last record also what no reader sees counts as read. */
  get position(): bigint {
    return this.#position
  }

  /** Next offset to fetch; behind the position by what is buffered. */
  get fetched(): bigint {
    return this.#fetched
  }

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  /** The log does not hold the next offset to fetch: a batch came from somewhere else. */
  get strayed(): boolean {
    return this.#strayed
  }

  /** Why the log cannot be read at the position. */
  get unreadable(): string | undefined {
    return this.isEmpty ? this.#unreadable : undefined
  }

  offer(batch: FetchedBatch): "fetch" | "pause" {
    if (batch.fetchedOffset !== this.#fetched) {
      this.#strayed = true
      return "pause"
    }
    for (const record of batch.records) this.#records.push(record)
    this.#fetched = batch.nextOffset
    this.#unreadable = batch.unreadable
    if (this.isEmpty) this.#position = batch.nextOffset
    this.#paused = this.#records.length >= this.#recordsMax
    return this.#paused ? "pause" : "fetch"
  }

  take(max: number): ReadonlyArray<KafkaRecord> {
    const taken = this.#records.splice(0, max)
    const last = taken.at(-1)
    if (this.isEmpty) this.#position = this.#fetched
    else if (last !== undefined) this.#position = last.offset + 1n
    return taken
  }

  /** Records from `offset` on count as not read. They are not handed over again: only a new assignment brings them. */
  rewind(offset: bigint): void {
    if (offset < this.#position) this.#position = offset
  }

  /** Whether the partition is to be fetched again; asked once for each pause. */
  resumes(): boolean {
    if (!this.#paused || this.#records.length >= this.#recordsMax) return false
    this.#paused = false
    return true
  }

  /** Goes on elsewhere, behind what is buffered. */
  moveTo(offset: bigint): void {
    this.#strayed = false
    this.#fetched = offset
    if (this.isEmpty) this.#position = offset
  }
}
