import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { FileHandle } from "node:fs/promises"
import { decodeRecords } from "../../domain/batchRecords.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { BatchFault } from "../../domain/recordBatch.js"
import type { JoinOptions, KafkaRefused, KafkaUnavailable } from "../Consumer.js"
import { gzipCodec } from "./gzipCodec.js"
import { turnEventLoop } from "./libsqlFile.js"
import { segmentFile } from "./logFolder.js"
import { makeOutageLog } from "./outageLog.js"
import { openSegment, readChunk, type SegmentChunk } from "./segment.js"

/** All of it synchronous: what is called between two fetches counts for the very next delivery. */
export interface PartitionReader {
  readonly seek: (offset: bigint) => void
  readonly pause: () => void
  readonly resume: () => void
}

export interface PartitionReaderOptions {
  readonly root: string
  readonly topic: string
  readonly partition: number
  readonly generation: number
  readonly pollIntervalMs: number
  readonly fetchMaxBytesPerPartition: number
  readonly onBatch: JoinOptions["onBatch"]
  /** A bug in `onBatch` or here has ended the reading. */
  readonly onDefect: (cause: Cause.Cause<never>) => Effect.Effect<unknown>
}

const codecs = new Map([[gzipCodec.code, gzipCodec]])

/** Reads one partition in a fiber of its own, paused until the first `seek` and `resume`, until the scope closes. */
export const makePartitionReader = (
  options: PartitionReaderOptions
): Effect.Effect<PartitionReader, KafkaUnavailable | KafkaRefused, Scope.Scope> =>
  Effect.gen(function*() {
    const file = segmentFile(options.root, options.topic, options.partition)
    const handle = yield* openSegment(file, "r")
    const running = Effect.unsafeMakeLatch(false)
    /** Next offset to deliver, the byte from which to look for it, and what was asked for since. */
    const state = { offset: 0n, position: 0, running: false, sought: false, moves: 0 }
    const setRunning = (value: boolean) => {
      state.running = value
      if (value && state.sought) running.unsafeOpen()
      else running.unsafeClose()
    }
    yield* fetchLoop(options, file, handle, state, running, setRunning).pipe(
      Effect.tapDefect(options.onDefect),
      Effect.forkScoped
    )
    return {
      seek: (offset) => {
        // From the start, unless it lies ahead: there is no index, and batches on the way are skipped unread.
        if (offset < state.offset) state.position = 0
        state.offset = offset
        state.sought = true
        state.moves++
        setRunning(state.running)
      },
      pause: () => setRunning(false),
      resume: () => setRunning(true)
    }
  })

interface ReaderState {
  offset: bigint
  position: number
  running: boolean
  moves: number
}

const fetchLoop = Effect.fnUntraced(function*(
  options: PartitionReaderOptions,
  file: string,
  handle: FileHandle,
  state: ReaderState,
  running: Effect.Latch,
  setRunning: (value: boolean) => void
) {
  const wait = Effect.sleep(options.pollIntervalMs)
  const outage = makeOutageLog(file)
  const suspect = { position: -1, looks: 0 }
  for (;;) {
    yield* running.await
    const moves = state.moves
    const read = yield* Effect.either(readChunk(handle, state.position, options.fetchMaxBytesPerPartition))
    // Between the read and here the partition may have been paused or sought: then it was read for nothing.
    if (moves !== state.moves || !state.running) continue
    const fetched = Either.map(read, (chunk) => recordsOf(chunk, state.offset))
    if (Either.isLeft(fetched)) {
      yield* outage.failed(fetched.left.message)
      yield* wait
      continue
    }
    yield* outage.over
    const { fault, nextOffset, position, records } = fetched.right
    if (nextOffset > state.offset) {
      const answer = options.onBatch({
        topic: options.topic,
        partition: options.partition,
        generation: options.generation,
        fetchedOffset: state.offset,
        nextOffset,
        records,
        bytes: records.reduce((sum, record) => sum + sizeOf(record), 0)
      })
      state.offset = nextOffset
      state.position = position
      if (answer === "pause") setRunning(false)
      // The read above may be served from memory and the handler never waits: without a turn here one partition could
      // keep the timers, the sockets and the other partitions waiting.
      yield* turnEventLoop
      continue
    }
    const advanced = position > state.position
    state.position = position
    if (fault !== undefined && BatchFault.$is("Corrupt")(fault)) {
      // A producer that cuts a torn tail and appends at the same time looks like this for a moment. So it is looked at
      // again, for ever, and never skipped; said once, on the second look.
      suspect.looks = fault.position === suspect.position ? suspect.looks + 1 : 1
      suspect.position = fault.position
      if (suspect.looks === 2) {
        yield* Effect.logError(`${file} is corrupt at byte ${fault.position}: ${fault.reason}; the partition waits`)
      }
    }
    yield* advanced ? turnEventLoop : wait
  }
})

interface Fetched {
  readonly records: ReadonlyArray<KafkaRecord>
  readonly nextOffset: bigint
  readonly position: number
  readonly fault: BatchFault | undefined
}

/** The records of a chunk from `from` on. Control batches give none and still move the position. */
const recordsOf = (chunk: SegmentChunk, from: bigint): Fetched => {
  const records: Array<KafkaRecord> = []
  let nextOffset = from
  for (const header of chunk.batches) {
    if (header.lastOffset < from) continue
    const decoded = decodeRecords(chunk.bytes, header.position - chunk.origin, header, codecs)
    // What stands before the damage is delivered; the next fetch starts at it and says so.
    if (Either.isLeft(decoded)) return { records, nextOffset, position: header.position, fault: decoded.left }
    // A batch that holds `from` in its middle starts with records that were consumed before.
    for (const record of decoded.right) if (record.offset >= from) records.push(record)
    nextOffset = header.lastOffset + 1n
  }
  return { records, nextOffset, position: chunk.position, fault: chunk.fault }
}

const sizeOf = (record: KafkaRecord): number =>
  record.headers.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + (value?.length ?? 0),
    (record.key?.length ?? 0) + (record.value?.length ?? 0)
  )
