/**
 * Which record batches a reader at read_committed must not see: those of aborted transactions, and the transaction
 * markers. The algorithm is the Java client's (CompletedFetch): the broker sends, beside the batches, the aborted
 * transactions that touch them; each begins at its first offset and ends at its producer's abort marker.
 *
 * Not kafkajs's own filter (2.2.4, consumer/filterAbortedMessages.js), which lets aborted records through in three
 * cases: it trusts the order of the list, which is the order of the markers and not of the beginnings, so that two
 * interleaved transactions leak; it opens at most one transaction per record, so that a fetch which starts inside two
 * leaks one; and it takes any record whose key is four zero bytes for an abort marker.
 */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** What the filter has to know of a batch. A batch has one producer and lies in one transaction. */
export interface TransactionalBatch {
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly transactional: boolean
  readonly control: boolean
}

/**
 * Answers, for the batches of one fetch of one partition in the order of the log, whether a batch is data to be seen.
 * `isAbortMarker` is asked for control batches only.
 */
export const makeAbortFilter = (
  aborted: ReadonlyArray<AbortedTransaction>
): (batch: TransactionalBatch, isAbortMarker: () => boolean) => boolean => {
  const pending = aborted.toSorted((a, b) => a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0)
  const open = new Set<bigint>()
  let next = 0
  return (batch, isAbortMarker) => {
    for (
      let first = pending[next];
      first !== undefined && first.firstOffset <= batch.lastOffset;
      first = pending[next]
    ) {
      open.add(first.producerId)
      next++
    }
    if (batch.control) {
      if (isAbortMarker()) open.delete(batch.producerId)
      return false
    }
    return !(batch.transactional && open.has(batch.producerId))
  }
}
