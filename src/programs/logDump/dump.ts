import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { BatchCodec } from "../../domain/batchRecords.js"
import { batchData } from "../../domain/logDump/json.js"
import { batchLines } from "../../domain/logDump/lines.js"
import { type Shown, type StoredBatch, storedBatches } from "../../domain/logDump/storedBatch.js"
import type { RawPiece } from "../../layers/RawLog.js"
import { jsonLine } from "../report.js"

/** One log to be shown. */
export interface DumpedLog {
  /** Its name in what is said of it: the file's path, or topic-partition. */
  readonly name: string
  /** What Kafka's tool calls it where it finds bytes at its end: the file without its folder. */
  readonly shortName: string
  /** Lines that stand before the batches. */
  readonly title: ReadonlyArray<string>
}

/** Something in the log that cannot be as it was written. */
export interface Damage {
  readonly log: string
  readonly position: number
  readonly what: string
}

/** What was seen of one log, beside what was printed. Bounded, however long the log is. */
export interface Seen {
  /** The first `damagesMax`. */
  readonly damages: ReadonlyArray<Damage>
  readonly damageCount: number
  /** Pairs of neighbouring records between which offsets are missing, and the first of them. */
  readonly gapCount: number
  readonly firstGap: readonly [bigint, bigint] | undefined
}

const damagesMax = 20

/** Prints a log piece by piece. Nothing that is wrong in it ends the printing, but bytes that are no batch. */
export const dumpLog = <E, R>(
  log: DumpedLog,
  pieces: Stream.Stream<RawPiece, E, R>,
  codecs: ReadonlyMap<number, BatchCodec>,
  shown: Shown,
  output: "table" | "json"
): Effect.Effect<Seen, E, R> =>
  Effect.gen(function*() {
    const text = output === "table"
    // Whoever asks for markers alone wants no word on the records between them.
    const seen = makeSeen(log.name, !shown.controlOnly)
    if (text) yield* print(log.title)
    yield* Stream.runForEach(pieces, (piece) =>
      Effect.suspend(() => {
        const lines: Array<string> = []
        for (const batch of storedBatches(piece.bytes, piece.position, codecs, shown)) {
          seen.batch(batch)
          if (text) { for (const line of batchLines(batch)) lines.push(line) }
          else lines.push(jsonLine({ log: log.name, ...batchData(batch) }))
        }
        if (piece.rest !== undefined) {
          const { bytes, reason } = piece.rest
          const position = piece.position + piece.bytes.length
          seen.damage(position, `${bytes} bytes are no batch: ${reason}`)
          lines.push(
            text
              ? `Found ${bytes} invalid bytes at the end of ${log.shortName}`
              : jsonLine({ log: log.name, position, invalidBytes: bytes, fault: reason })
          )
        }
        return print(lines)
      }))
    return seen.result()
  })

const print = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  lines.length === 0 ? Effect.void : Console.log(lines.join("\n"))

const makeSeen = (log: string, gaps: boolean) => {
  const damages: Array<Damage> = []
  let damageCount = 0
  let gapCount = 0
  let firstGap: readonly [bigint, bigint] | undefined
  let last: bigint | undefined
  const damage = (position: number, what: string) => {
    damageCount++
    if (damages.length < damagesMax) damages.push({ log, position, what })
  }
  return {
    damage,
    batch: ({ fault, header, position, records }: StoredBatch) => {
      const where = header === undefined ? "" : `batch at offset ${header.baseOffset}: `
      if (fault !== undefined) damage(position, where + fault)
      for (const { offset } of gaps ? records : []) {
        if (last !== undefined && offset !== last + 1n) {
          gapCount++
          firstGap ??= [last, offset]
        }
        last = offset
      }
    },
    result: (): Seen => ({ damages, damageCount, gapCount, firstGap })
  }
}
