import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { elapsedMillis } from "../../layers/elapsed.js"
import type { CommandError } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import type { Accumulator } from "./accumulator.js"
import type { ProducePlan } from "./plan.js"
import type { Piece } from "./sources.js"
import type { Cutting } from "./transactions.js"

/** Most records accepted at once: enough that a record costs no effect, little enough for other fibers' turns. */
const pieceRecordsMax = 500

/** Records that are accepted at once: a tenth of a second's worth, so that a rate is a flow and not a burst each second. */
export const pieceRecords = ({ mode, recordMs }: Pick<ProducePlan, "mode" | "recordMs">): number =>
  mode === "sync"
    ? 1
    : recordMs === 0
    ? pieceRecordsMax
    : Math.min(pieceRecordsMax, Math.max(1, Math.round(100 / recordMs)))

export interface Feeding {
  readonly plan: ProducePlan
  readonly accumulator: Accumulator
  readonly cutting: Cutting | undefined
  readonly startedMs: number
  /** Fails once a batch has: nothing must be accepted after it. */
  readonly check: Effect.Effect<void, CommandError>
}

/** Takes all that the source has, at the pace that is asked for, until it is acknowledged. */
export const feed = (
  pieces: Stream.Stream<Piece, CommandError>,
  feeding: Feeding
): Effect.Effect<void, CommandError> => {
  const most = pieceRecords(feeding.plan)
  const progress = { accepted: 0, turnMs: feeding.startedMs }
  return pieces.pipe(
    Stream.runForEach((piece) =>
      Effect.gen(function*() {
        const { records, topic } = piece
        for (let from = 0; from < records.length;) {
          const part = records.slice(from, from + Math.min(most, feeding.cutting?.room() ?? most))
          yield* acceptPart({ topic, records: part }, feeding, progress)
          from += part.length
        }
        yield* giveTurn(progress)
      })
    ),
    Effect.zipRight(finish(feeding))
  )
}

/** Everything that was accepted is acknowledged, and the transaction ended. */
export const finish = ({ accumulator, check, cutting }: Feeding): Effect.Effect<void, CommandError> =>
  Effect.gen(function*() {
    yield* accumulator.flush
    yield* check
    if (cutting !== undefined) yield* Effect.mapError(cutting.end, commandError)
  })

interface Progress {
  accepted: number
  /** When sockets and timers last had their turn. */
  turnMs: number
}

/** Longest work without a turn for sockets: a connection in the making must not time out behind it. */
const turnWithinMs = 10

/**
 * Encoding is plain work, and fibers that are always ready run as microtasks: yielding to them alone, 32 MB of records
 * would be made before the first byte goes out.
 */
const giveTurn = (progress: Progress): Effect.Effect<void> =>
  Effect.gen(function*() {
    if ((yield* elapsedMillis) - progress.turnMs < turnWithinMs) return yield* Effect.yieldNow()
    yield* Effect.sleep(0)
    progress.turnMs = yield* elapsedMillis
  })

const acceptPart = (
  { records, topic }: Piece,
  feeding: Feeding,
  progress: Progress
): Effect.Effect<void, CommandError> =>
  Effect.gen(function*() {
    const { accumulator, check, cutting, plan, startedMs } = feeding
    if (plan.recordMs > 0) {
      // Counted from the start, not from the last record: what one was late, the next ones make up for.
      const waitMs = startedMs + progress.accepted * plan.recordMs - (yield* elapsedMillis)
      if (waitMs > 0) yield* Effect.sleep(waitMs)
    }
    yield* check
    cutting?.took(records.length)
    progress.accepted += records.length
    let next = accumulator.offer(topic, records)
    while (next < records.length) {
      yield* accumulator.room
      yield* check
      next = accumulator.offer(topic, records, next)
    }
    if (cutting?.room() === 0) yield* finish(feeding)
    else if (plan.mode === "sync") {
      yield* accumulator.flush
      yield* check
    }
  })
