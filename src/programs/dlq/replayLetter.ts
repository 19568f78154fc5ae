import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { type Config, groupOf, matches } from "../../domain/Config.js"
import type { RecordError } from "../../domain/DeadLetter.js"
import { makeChangeBatch } from "../../domain/sql/changes.js"
import type { Change } from "../../domain/sql/changes.js"
import type { LetterSummary, StoredLetter } from "../../domain/StoredLetter.js"
import { DeadLetters, type KeyedRow, type ReplayOutcome } from "../../layers/DeadLetters.js"
import { Destination, type DestinationError, DestinationUnavailable } from "../../layers/Destination.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { makeTopicEncoders, type TopicEncoders } from "../encoders.js"
import { reasonOf } from "./letterText.js"

/** What has become of one letter. */
export interface Result {
  /** `refused`: stays open, with the reason and one more attempt. `left`: as it was. */
  readonly outcome: "replayed" | "refused" | "left"
  readonly note: string | undefined
}

const replayed = (note?: string): Result => ({ outcome: "replayed", note })
const left = (note: string): Result => ({ outcome: "left", note })

/** What the record would do, or why it cannot. */
export type Attempt = Either.Either<{ readonly change: Change | undefined }, Result & { readonly error?: RecordError }>

export interface Replayer {
  /** Encodes the record as `run` would; tables are made and altered as there. */
  readonly encode: (letter: StoredLetter) => Effect.Effect<Attempt, DestinationError>
  readonly replay: (letter: LetterSummary) => Effect.Effect<Result, DestinationError>
}

/** Another pipeline's letter: its settings, and so its table and its columns, may be others. */
const foreign = (config: Config, { group, topic }: LetterSummary): string | undefined => {
  const known = config.topics.includes(topic)
    || (config.topicPattern !== undefined && matches(config.topicPattern, topic))
  if (!known) return `topic ${topic} is not among kafka.topics: replay it with the configuration that reads it`
  const own = groupOf(config, topic)
  return own === group ? undefined : `it is of group ${group}, and here ${topic} is read by group ${own}`
}

/** Of rows that are found by their key. */
const keyedRow = ({ cells, shape: { columns, keyLength, table } }: Change): KeyedRow | undefined =>
  keyLength === 0
    ? undefined
    : { table, key: columns.slice(0, keyLength).map((column, index) => [column, cells[index] ?? "NULL"] as const) }

const overtaken = (offset: bigint): RecordError => ({
  class: "rejected",
  code: 0,
  message:
    `the row of its key is of a newer record, at offset ${offset}, which would be overwritten: discard this letter`,
  column: undefined
})

const noOrigin: RecordError = {
  class: "rejected",
  code: 0,
  message:
    "its table has no _source, _partition and _offset, so that nobody can tell whether the row of its key is newer",
  column: undefined
}

/** Locks, deadlocks, a lost connection: tried again, not for ever. */
const attemptsMax = 5

const replayOnce = (letter: StoredLetter, change: Change | undefined) =>
  Effect.gen(function*() {
    const { replay } = yield* DeadLetters
    const batch = makeChangeBatch(yield* (yield* Destination).dialect, Number.POSITIVE_INFINITY)
    if (change !== undefined) batch.add(change)
    const row = change === undefined ? undefined : keyedRow(change)
    const outcome = yield* replay({ letter, statements: batch.take(), row })
    if (outcome._tag !== "RolledBack") return outcome
    const { class: errorClass, code, what } = outcome.error
    return errorClass === "retriable" || errorClass === "reconnect"
      ? yield* new DestinationUnavailable({ what, code })
      : outcome
  }).pipe(
    Effect.retry({
      while: ({ _tag }) => _tag === "DestinationUnavailable",
      schedule: Schedule.intersect(Schedule.exponential("100 millis"), Schedule.recurs(attemptsMax - 1))
    })
  )

/** Why the letter stays, or what is to be said of its end. */
const resultOf = (outcome: ReplayOutcome, change: Change | undefined): Result | RecordError => {
  switch (outcome._tag) {
    case "Replayed":
      return change === undefined ? replayed("there is nothing to write for it") : replayed()
    case "AlreadyThere":
      return replayed("it was in the table already")
    case "NotOpen":
      return left("it has been replayed or discarded meanwhile")
    case "Overtaken":
      return overtaken(outcome.offset)
    case "NoOrigin":
      return noOrigin
    case "RolledBack": {
      const { class: errorClass, code, column, cure = "", reason, what } = outcome.error
      return errorClass === "setup"
        ? left(`${what}; ${cure}`)
        : { class: "rejected", code, message: reason ?? what, column }
    }
  }
}

/** Keeps the encoders of each topic, as `run` does. */
export const makeReplayer = (
  config: Config
): Effect.Effect<Replayer, never, DeadLetters | Destination | SchemaRegistry> =>
  Effect.gen(function*() {
    const services = yield* Effect.context<DeadLetters | Destination | SchemaRegistry>()
    const { get, refused } = yield* DeadLetters
    const byTopic = new Map<string, TopicEncoders>()
    /** Topics that somebody has to set something right for, with what it is. */
    const unusable = new Map<string, string>()
    const encodersOf = (topic: string) =>
      Effect.gen(function*() {
        const made = byTopic.get(topic) ?? (yield* makeTopicEncoders(config, topic))
        byTopic.set(topic, made)
        return made
      })
    const encode: Replayer["encode"] = (letter) =>
      Effect.gen(function*(): Effect.fn.Return<Attempt, DestinationError, Destination | SchemaRegistry> {
        const { partition, record, sourceId, topic } = letter
        const why = unusable.get(topic) ?? foreign(config, letter)
        if (why !== undefined) return Either.left(left(why))
        const encoded = yield* (yield* encodersOf(topic)).change(record, sourceId, partition)
        if (encoded._tag === "Change") return Either.right({ change: encoded.change })
        if (encoded._tag === "Ignored") return Either.right({ change: undefined })
        const { cure, record: bad, what } = encoded.problem
        if (bad !== undefined) {
          return Either.left({ outcome: "refused", note: reasonOf(bad.error), error: bad.error })
        }
        unusable.set(topic, `${what}; ${cure}`)
        return Either.left(left(`${what}; ${cure}`))
      }).pipe(Effect.provide(services))
    const stay = (id: bigint, error: RecordError): Effect.Effect<Result, DestinationError> =>
      Effect.as(refused(id, error), {
        outcome: "refused",
        note: `${error.code === 0 ? "" : `errno ${error.code}: `}${reasonOf(error)}`
      })
    const replay: Replayer["replay"] = (summary) =>
      Effect.gen(function*() {
        if (summary.replayedAt !== undefined) return left(`it was replayed at ${summary.replayedAt}`)
        const letter = yield* get(summary.id)
        if (letter === undefined) return left("it has been discarded meanwhile")
        const attempt = yield* encode(letter)
        if (Either.isLeft(attempt)) {
          const { error, note, outcome } = attempt.left
          return error === undefined ? { outcome, note } : yield* stay(letter.id, error)
        }
        const { change } = attempt.right
        const result = resultOf(yield* replayOnce(letter, change), change)
        return "outcome" in result ? result : yield* stay(letter.id, result)
      }).pipe(Effect.provide(services))
    return { encode, replay }
  })
