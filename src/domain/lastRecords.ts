import type { StoredBatch, StoredRecord } from "./logDump/storedBatch.js"

export interface LastRecord {
  readonly record: StoredRecord
  /** Who sees it: everybody, only read_uncommitted readers for ever, or only they until its transaction ends. */
  readonly state: "committed" | "aborted" | "open"
}

/** Keeps the last records of a log as its batches pass, and what became of their transactions. */
export interface LastRecords {
  readonly add: (batch: StoredBatch) => void
  /** At most as many as were wanted, ascending. */
  readonly result: () => ReadonlyArray<LastRecord>
}

/** The marker of a transaction stands behind its records: whoever reads up to the end has seen it, if there is one. */
export const makeLastRecords = (count: number): LastRecords => {
  const kept: Array<{ readonly record: StoredRecord; readonly producerId: bigint; state: LastRecord["state"] }> = []
  return {
    add: ({ header, records }) => {
      if (header === undefined) return
      const { producerId, transactional } = header
      for (const record of records) {
        const { marker } = record
        if (marker === undefined) {
          kept.push({ record, producerId, state: transactional ? "open" : "committed" })
          if (kept.length > count) kept.shift()
        } else if (marker.kind !== "other") {
          for (const one of kept) {
            if (one.state === "open" && one.producerId === producerId) {
              one.state = marker.kind === "COMMIT" ? "committed" : "aborted"
            }
          }
        }
      }
    },
    result: () => kept.map(({ record, state }) => ({ record, state }))
  }
}
