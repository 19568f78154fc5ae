/** Reading and appending to one segment file in Kafka's format. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import { type FileHandle, open } from "node:fs/promises"
import {
  batchBytesMax,
  BatchFault,
  type BatchHeader,
  readBatchHeader,
  setBaseOffset
} from "../../domain/recordBatch.js"
import type { KafkaRefused, KafkaUnavailable } from "../Consumer.js"
import { attempt } from "./logFolder.js"

/** The segment holds bytes that are no batch, followed by more than an unfinished write could have left. */
export class SegmentCorrupt extends Data.TaggedError("SegmentCorrupt")<{
  readonly file: string
  readonly position: number
  readonly reason: string
}> {
  override get message(): string {
    return `${this.file} is corrupt at byte ${this.position}: ${this.reason}`
  }
}

/** The end of the whole batches at some time: where the next batch goes and which offset it gets. */
export interface SegmentEnd {
  readonly position: number
  readonly nextOffset: bigint
}
export const segmentStart: SegmentEnd = { position: 0, nextOffset: 0n }

/** Whole batches as they stand in the file, and what follows them. */
export interface SegmentChunk {
  readonly bytes: Uint8Array
  readonly batches: ReadonlyArray<BatchHeader>
  /** Position of `bytes[0]` in the file. */
  readonly origin: number
  readonly position: number
  /** What stands at `position`, where the file goes on and it is no whole batch. */
  readonly fault?: BatchFault
}

const chunkBytes = 1024 * 1024

type Failure = KafkaUnavailable | KafkaRefused

export const openSegment = (file: string, flags: "r" | "r+"): Effect.Effect<FileHandle, Failure, Scope.Scope> =>
  Effect.acquireRelease(attempt(`cannot open ${file}`, () => open(file, flags)), (handle) =>
    // A handle that cannot be closed is of no use to anybody; nothing that matters hangs on it.
    Effect.ignoreLogged(attempt(`cannot close ${file}`, () => handle.close())))

/** The whole batches from `position` on, at most about `bytesMax`, and always one, however long, where there is one. */
export const readChunk = Effect.fn("segment.readChunk")(
  function*(handle: FileHandle, position: number, bytesMax: number) {
    const { size } = yield* attempt("cannot read the log", () => handle.stat())
    // Asked first, so that waiting at the end of the log allocates nothing.
    const nothing: SegmentChunk = { bytes: noBytes, batches: [], origin: position, position }
    if (size === position) return nothing
    if (size < position) {
      return { ...nothing, fault: BatchFault.Corrupt({ position, reason: `the file ends before, at byte ${size}` }) }
    }
    const first = chunkOf(yield* readAt(handle, position, Math.min(size - position, bytesMax)), position)
    if (first.batches.length > 0 || first.fault?._tag !== "Truncated") return first
    const wanted = first.bytes.length + first.fault.bytesMissing
    if (wanted > size - position || wanted > batchBytesMax) return first
    // At least the first batch's length is known now; a header that was cut needs one more look.
    const longer = chunkOf(yield* readAt(handle, position, wanted), position)
    if (longer.batches.length > 0 || longer.fault?._tag !== "Truncated") return longer
    const whole = Math.min(longer.bytes.length + longer.fault.bytesMissing, size - position)
    return chunkOf(yield* readAt(handle, position, whole), position)
  }
)

/** Goes on from `from` to the last whole batch. What follows it, an unfinished write, does not belong to the log. */
export const findEnd = Effect.fn("segment.findEnd")(function*(file: string, handle: FileHandle, from: SegmentEnd) {
  const { size } = yield* attempt(`cannot read ${file}`, () => handle.stat())
  // Shorter than it was: another log has taken its place.
  let end = size < from.position ? segmentStart : from
  for (;;) {
    const chunk: SegmentChunk = yield* readChunk(handle, end.position, chunkBytes)
    const last = chunk.batches.at(-1)
    if (last === undefined) {
      if (chunk.fault !== undefined && (yield* batchFollows(handle, end.position))) {
        const reason = chunk.fault._tag === "Corrupt" ? chunk.fault.reason : "a batch is longer than its place"
        return yield* new SegmentCorrupt({ file, position: end.position, reason })
      }
      return end
    }
    end = { position: chunk.position, nextOffset: last.lastOffset + 1n }
  }
})

/** Only under the append lock. Cuts a torn tail, appends the batches one after the other, and waits for the disk. */
export const append = Effect.fn("segment.append")(
  function*(file: string, handle: FileHandle, known: SegmentEnd, batches: ReadonlyArray<EncodedBatch>) {
    const { size } = yield* attempt(`cannot read ${file}`, () => handle.stat())
    // Longer than known: other producers have appended, or one was killed while it did.
    const end = yield* findEnd(file, handle, known)
    if (size > end.position) {
      yield* Effect.logWarning(`${file}: cutting ${size - end.position} bytes that a killed producer left unfinished`)
      yield* attempt(`cannot cut ${file}`, () => handle.truncate(end.position))
    }
    let { nextOffset, position } = end
    for (const batch of batches) {
      setBaseOffset(batch.bytes, nextOffset)
      yield* writeAt(file, handle, batch.bytes, position)
      nextOffset += BigInt(batch.records)
      position += batch.bytes.length
    }
    yield* attempt(`cannot sync ${file}`, () => handle.datasync())
    return { position, nextOffset } satisfies SegmentEnd
  }
)

/** A batch whose offsets run from its base without a gap. */
export interface EncodedBatch {
  readonly bytes: Uint8Array
  readonly records: number
}

const noBytes = new Uint8Array(0)

const chunkOf = (bytes: Uint8Array, origin: number): SegmentChunk => {
  const batches: Array<BatchHeader> = []
  let at = 0
  while (at < bytes.length) {
    const header = readBatchHeader(bytes, at, origin)
    if (Either.isLeft(header)) return { bytes, batches, origin, position: origin + at, fault: header.left }
    batches.push(header.right)
    at += header.right.bytes
  }
  return { bytes, batches, origin, position: origin + at }
}

/**
 * Whether a whole batch starts anywhere behind `position`. A torn write is the last thing in a file; damage in the
 * middle must stop the producer, because cutting there would throw away acknowledged records.
 */
const batchFollows = Effect.fnUntraced(function*(handle: FileHandle, position: number) {
  const { size } = yield* attempt("cannot read the log", () => handle.stat())
  const bytes = yield* readAt(handle, position, Math.min(size - position, batchBytesMax))
  for (let at = 1; at < bytes.length; at++) {
    // The version byte first: it spares most of the checks.
    if (bytes[at + 16] === 2 && Either.isRight(readBatchHeader(bytes, at, position))) return true
  }
  return false
})

const readAt = Effect.fnUntraced(function*(handle: FileHandle, position: number, length: number) {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = yield* attempt(
      "cannot read the log",
      () => handle.read(bytes, filled, length - filled, position + filled)
    )
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
})

const writeAt = Effect.fnUntraced(function*(file: string, handle: FileHandle, bytes: Uint8Array, position: number) {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = yield* attempt(
      `cannot append to ${file}`,
      () => handle.write(bytes, written, bytes.length - written, position + written)
    )
    written += bytesWritten
  }
})
