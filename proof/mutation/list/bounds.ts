import { type Mutation, unit } from "../Mutation.js"

const lz4 = "src/layers/kafka/lz4.ts"
const snappy = "src/layers/kafka/snappy.ts"
const zstd = "src/layers/kafka/zstd.ts"
const codecs = "src/layers/kafka/codecs.ts"
const fetchResponse = "src/layers/kafka/fetchResponse.ts"
const fetching = "src/layers/kafka/fetching.ts"
const bombs = "layers/kafka/bombs"
const fetched = "layers/kafka/fetchResponse"

const bomb = "a decompression bomb is an error, not the end of the process"
const lie = "a size that is not true is an error, never a wrong row"
const memory = "a fetch costs bounded memory, however well it is compressed"
const stuck = "what cannot be read is told, not asked for again and again"

/** Section 4: what hostile or damaged bytes may cost. The simulated cluster hands out records: this is not in there. */
export const bounding: ReadonlyArray<Mutation> = [
  {
    id: "lz4-bound",
    mechanism: "lz4: a bound for what a frame may become",
    promise: bomb,
    section: 4,
    edits: [{ file: lz4, find: "new Uint8Array(Math.min(bound, bytesMax))", replace: "new Uint8Array(bound)" }],
    simulated: "not in it",
    tests: [unit(bombs, "what would become more than the bound is refused lz4: 255 times its size")]
  },
  {
    id: "lz4-copy",
    mechanism: "lz4: a copy from before the beginning is refused",
    promise: lie,
    section: 4,
    edits: [{ file: lz4, find: "if (distance === 0 || distance > to || !(", replace: "if (!(" }],
    simulated: "not in it",
    tests: [
      unit(bombs, "nothing is filled up, cut off or believed lz4: a copy from before the beginning")
    ]
  },
  {
    id: "snappy-bound",
    mechanism: "snappy: a bound for what all blocks together may become",
    promise: bomb,
    section: 4,
    edits: [{ file: snappy, find: "if (before + length > bytesMax)", replace: "if (length > bytesMax)" }],
    simulated: "not in it",
    tests: [unit(bombs, "what would become more than the bound is refused snappy: in many blocks, each within it")]
  },
  {
    id: "snappy-claim",
    mechanism: "snappy: a bound for what a block may claim to become",
    promise: bomb,
    section: 4,
    edits: [{ file: snappy, find: "if (length > block.length * expansionMax)", replace: "if (length < 0)" }],
    simulated: "not in it",
    tests: [unit(bombs, "snappy takes no memory for a size that its block cannot become")]
  },
  {
    id: "snappy-length",
    mechanism: "snappy: a block becomes as long as it says",
    promise: lie,
    section: 4,
    edits: [{ file: snappy, find: "  if (to !== length) throw broken()\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(bombs, "nothing is filled up, cut off or believed snappy: more than it has")]
  },
  {
    id: "zstd-bound",
    mechanism: "zstd: a bound for what all frames together may become",
    promise: bomb,
    section: 4,
    edits: [
      { file: zstd, find: "if (total > bytesMax)", replace: "if (total < 0)" },
      { file: zstd, find: "if (known > bytesMax)", replace: "if (known < 0)" }
    ],
    simulated: "not in it",
    tests: [unit(bombs, "zstd by fzstd, on any Node looks at every frame, and passes over what may be skipped")]
  },
  {
    id: "zstd-window",
    mechanism: "zstd: a bound for the window that a frame claims",
    promise: bomb,
    section: 4,
    edits: [{
      file: zstd,
      find: "windowBytes > Math.min(windowBytesMax, Math.max(bytesMax, blockBytesMax))",
      replace: "windowBytes < 0"
    }],
    simulated: "not in it",
    tests: [unit(bombs, "zstd by fzstd, on any Node takes no memory for a window that is only claimed")]
  },
  {
    id: "zstd-work",
    mechanism: "zstd: a bound for what is moved about for a frame's blocks",
    promise: "no record holds the event loop for long",
    section: 4,
    edits: [{ file: zstd, find: "++blocks * windowBytes > movedBytesMax", replace: "++blocks * windowBytes < 0" }],
    simulated: "not in it",
    tests: [unit(bombs, "zstd by fzstd, on any Node does not move its window about for each of ten thousand blocks")]
  },
  {
    id: "fetch-held",
    mechanism: "a bound for what is decoded of one fetch",
    promise: memory,
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "at < bytes.length && !isFull(held, heldBytesMax);",
      replace: "at < bytes.length;"
    }],
    simulated: "not in it",
    tests: [
      unit(fetched, "where the next fetch begins before what would be more than is held of one fetch")
    ]
  },
  {
    id: "batch-held",
    mechanism: "what would be too much of one batch is left for the next fetch",
    promise: memory,
    section: 4,
    edits: [{ file: fetchResponse, find: "    if (isFull(held, heldBytesMax)) return \"full\"\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(fetched, "where the next fetch begins before records that are many, however small they are")]
  },
  {
    id: "batch-own-records",
    mechanism: "records of a large batch are copied out of it",
    promise: memory,
    section: 4,
    edits: [{ file: fetchResponse, find: "own ? ownRecord(record) : record", replace: "record" }],
    simulated: "not in it",
    tests: [unit(fetched, "where the next fetch begins in the middle of a batch, of which the rest is not kept")]
  },
  {
    id: "expand-turns",
    mechanism: "what a batch becomes is expanded in steps, and everything else has its turn in between",
    promise: "no batch holds up heartbeats, other partitions or a shutdown",
    section: 4,
    edits: [
      {
        file: codecs,
        find: "    if (step.value - before < bytesInTurn) continue\n",
        replace: "    if (before >= 0) continue\n"
      },
      { file: codecs, find: "  if (bytes.length > smallMax) return", replace: "  if (bytes.length < 0) return" },
      { file: codecs, find: "atOnce(bytes, Math.min(bytesMax, bytesInTurn))", replace: "atOnce(bytes, bytesMax)" }
    ],
    simulated: "not in it",
    tests: ["gzip", "snappy", "lz4"].map((name) =>
      unit("layers/kafka/codecs", `${name} everything else has its turn while much is expanded`)
    )
  },
  {
    id: "fetch-own-bytes",
    mechanism: "the records of a partition keep no more of an answer than their own bytes",
    promise: memory,
    section: 4,
    edits: [{ file: fetching, find: "{ ...answer, recordSet: ownBytes(answer.recordSet) }", replace: "answer" }],
    simulated: "not in it",
    tests: [unit("layers/kafka/fetching", "an answer about several partitions is kept by none of them as a whole")]
  },
  {
    id: "fetch-turns",
    mechanism: "between large parts of an answer everything else has its turn",
    promise: "no fetch holds the event loop for long",
    section: 4,
    edits: [{
      file: fetching,
      find: "if (decoded < decodedInTurnMax) continue",
      replace: "if (decoded >= 0) continue"
    }],
    simulated: "not in it",
    tests: [unit("layers/kafka/fetching", "an answer that is large lets everything else have its turn in between")]
  },
  {
    id: "fetch-outdated",
    mechanism: "an error of a fetch that is out of date is dropped, as its records are",
    promise: "an answer to what was asked before a seek, or in another generation, pauses nothing that is read now",
    section: 9,
    edits: [{
      file: fetching,
      find: "else if (!session.isCurrent(plan, partition)) continue",
      replace: "else if (partition < 0) continue"
    }],
    simulated: "not in it",
    tests: [
      unit(
        "layers/kafka/fetching",
        "an answer is for nobody where the partition was sought while another one was decoded"
      )
    ]
  },
  {
    id: "batch-too-long",
    mechanism: "a first batch that is longer than the answer is told",
    promise: stuck,
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "if (at === 0) return unreadable(\"the batch",
      replace: "if (at < 0) return unreadable(\"the batch"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "what would be asked for again and again is told instead a first batch that is longer")]
  },
  {
    id: "batch-before",
    mechanism: "batches that all stand before the offset that was asked for are told",
    promise: stuck,
    section: 4,
    edits: [{
      file: fetchResponse,
      find: "if (at >= bytes.length && nextOffset === fetchedOffset) return",
      replace: "if (at < 0) return"
    }],
    simulated: "not in it",
    tests: [unit(fetched, "what would be asked for again and again is told instead batches that all stand before")]
  }
]
