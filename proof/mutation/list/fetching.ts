import { type Mutation, real, unit } from "../Mutation.js"

const fetchResponse = "src/layers/kafka/fetchResponse.ts"
const filter = "src/domain/abortFilter.ts"
const membership = "src/layers/kafka/membership.ts"
const fetched = "layers/kafka/fetchResponse"

/** Section 4, as what a broker answers is read. The simulated cluster hands out records: this is not in there. */
export const fetching: ReadonlyArray<Mutation> = [
  {
    id: "control-only",
    mechanism: "batches without data records move the position, too",
    promise: "lag reaches zero behind control records, and retention raises no false alarm",
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "  return fetched()\n}",
      replace: "  return held.records.length === 0 ? undefined : fetched()\n}"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "where the next fetch begins after the markers, though no record is there")]
  },
  {
    id: "compacted-end",
    mechanism: "the next fetch begins after the batch, not after its last record",
    promise: "what compaction has removed is read over, and is no gap",
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "if (batch.lastOffset >= nextOffset) nextOffset = batch.lastOffset + 1n",
      replace:
        "const end = batch.control ? batch.lastOffset : held.records.at(-1)?.offset ?? batch.lastOffset\n    if (end >= nextOffset) nextOffset = end + 1n"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "where the next fetch begins after what compaction took from the end of a batch")]
  },
  {
    id: "batch-start",
    mechanism: "records before the offset that was asked for are left out",
    promise: "a fetch in the middle of a batch repeats nothing",
    section: 4,
    edits: [{ file: fetchResponse, find: "    if (record.offset < from) continue\n", replace: "" }],
    simulated: "not in it",
    tests: [
      unit(fetched, "where the next fetch begins in the middle of a batch the records before are not given again")
    ]
  },
  {
    id: "batch-large",
    mechanism: "records are taken one by one: kafkajs overflows its stack at 125,000 of a batch",
    promise: "a batch of any size is read",
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "      let state = readOn(",
      replace:
        "      const all = []\n      for (let one = cursor.next(); one !== undefined; one = cursor.next()) all.push(one)\n      held.records.push(...all)\n      let state = readOn("
    }],
    simulated: "not in it",
    tests: [unit(fetched, "reads a batch of 130,000 records, on which kafkajs overflows its stack")]
  },
  {
    id: "crc",
    mechanism: "the checksum of each batch",
    promise: "a batch that was damaged is an error, never a wrong row",
    section: 4,
    edits: [{
      file: "src/domain/recordBatch.ts",
      find: "if (view.getUint32(17) !== crc32c(bytes, at + crcStart, at + whole)) {",
      replace: "if (view.getUint32(17) !== crc32c(bytes, at + crcStart, at + whole) && whole < 0) {"
    }],
    simulated: "not in it",
    tests: [
      unit(
        fetched,
        "a batch that nobody can read ends what is delivered, and the reason names the place a wrong checksum"
      ),
      unit("domain/recordBatch", "no flipped bit after the base offset passes")
    ]
  },
  {
    id: "unpacked-bound",
    mechanism: "a bound for what a compressed batch may become",
    promise: "a decompression bomb is an error, not the end of the process",
    section: 4,
    edits: [{
      file: "src/layers/kafka/codecs.ts",
      find: "bytesMax: number = expandedBytesMax",
      replace: "bytesMax: number = expandedBytesMax * 8"
    }],
    simulated: "not in it",
    tests: [unit("layers/kafka/codecs", "no compressed batch becomes more than 64 MiB")]
  },
  {
    id: "read-committed",
    mechanism: "fetches ask for committed records",
    promise: "nothing of a transaction becomes a row before it is committed",
    section: 4,
    edits: [{
      file: membership,
      find: "env.join.isolation ?? \"read_committed\"",
      replace: "env.join.isolation ?? \"read_uncommitted\""
    }],
    simulated: "not in it",
    tests: [real("integration/kafka/transactions", "nothing is read beyond a transaction that is open, until it ends")]
  },
  {
    id: "abort-filter",
    mechanism: "records of aborted transactions are left out",
    promise: "aborted records never become rows",
    section: 4,
    edits: [{
      file: filter,
      find: "return !(batch.transactional && open.has(batch.producerId))",
      replace: "return !(batch.transactional && batch.producerId < -1n)"
    }],
    simulated: "not in it",
    tests: [unit("domain/abortFilter", "from whatever offset a fetch begins, exactly the committed data is seen")]
  },
  {
    id: "abort-sorted",
    mechanism: "the aborted list is sorted by first offset (kafkajs's first leak)",
    promise: "aborted records never become rows",
    section: 4,
    edits: [{
      file: filter,
      find: "aborted.toSorted((a, b) => a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0)",
      replace: "aborted.slice()"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "what kafkajs's own filter lets through two aborted transactions that interleave")]
  },
  {
    id: "abort-several",
    mechanism: "a batch may open several aborted transactions (kafkajs's second leak)",
    promise: "aborted records never become rows",
    section: 4,
    edits: [{
      file: filter,
      find: "      open.add(first.producerId)\n      next++\n",
      replace: "      open.add(first.producerId)\n      next++\n      break\n"
    }],
    simulated: "not in it",
    tests: [
      unit("domain/abortFilterOpens", "the later one may have the first batch")
    ]
  },
  {
    id: "abort-marker",
    mechanism: "a marker is known by its control flag only (kafkajs's third leak)",
    promise: "aborted records never become rows",
    section: 4,
    edits: [{
      file: filter,
      find: "    if (batch.control) {\n      if (isAbortMarker()) open.delete",
      replace: "    if (batch.control || isAbortMarker()) {\n      if (isAbortMarker()) open.delete"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "what kafkajs's own filter lets through a data record whose key is four zero bytes")]
  }
]
