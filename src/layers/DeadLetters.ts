import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { RecordError } from "../domain/DeadLetter.js"
import type { LetterSummary, StoredLetter } from "../domain/StoredLetter.js"
import type { DestinationError, WriteError } from "./Destination.js"

/** Which letters; what is empty or undefined does not restrict. */
export interface LetterFilter {
  readonly ids: ReadonlyArray<bigint>
  readonly topics: ReadonlyArray<string>
  /** The database's error number; 0: refused by Tributary itself. */
  readonly code: number | undefined
  /** When the letter was made, milliseconds since the epoch: from `sinceMs` (inclusive) to `untilMs` (exclusive). */
  readonly sinceMs: number | undefined
  readonly untilMs: number | undefined
  readonly state: "open" | "replayed" | "all"
}

/** Ids above `after`, up to `upTo`, ascending, at most `limit`. */
export interface LetterPage {
  readonly after: bigint
  readonly upTo: bigint
  readonly limit: number
}

/** The row that an upsert or a deletion is about. */
export interface KeyedRow {
  readonly table: string
  /** Literals, by the names of the key's columns. */
  readonly key: ReadonlyArray<readonly [column: string, literal: string]>
}

export interface ReplayRequest {
  readonly letter: LetterSummary
  /** What the record does to its table; none: nothing is to be done for it any more. */
  readonly statements: ReadonlyArray<string>
  /** Where rows are found by their key: only this row may not be of a newer record. */
  readonly row: KeyedRow | undefined
}

export type ReplayOutcome = Data.TaggedEnum<{
  /** The row is written and the letter marked, both or neither. */
  Replayed: {}
  /** The record was in the table already; the letter is marked. */
  AlreadyThere: {}
  /** Somebody else has replayed or discarded the letter. Nothing was changed. */
  NotOpen: {}
  /** The row of its key is of a newer record of the same partition: nothing was changed. */
  Overtaken: { readonly offset: bigint }
  /** The table does not say which record its row is of: nothing was changed. */
  NoOrigin: {}
  /** Nothing of it is in the database. */
  RolledBack: { readonly error: WriteError }
}>
export const ReplayOutcome = Data.taggedEnum<ReplayOutcome>()

/** The table `dead_letters`, for whoever looks after it. Where it is missing, there are no letters. */
export class DeadLetters extends Context.Tag("tributary/DeadLetters")<DeadLetters, {
  /** How many there are, and the highest id among them; 0 where there is none. */
  readonly count: (
    filter: LetterFilter
  ) => Effect.Effect<{ readonly letters: number; readonly last: bigint }, DestinationError>
  readonly page: (
    filter: LetterFilter,
    page: LetterPage
  ) => Effect.Effect<ReadonlyArray<LetterSummary>, DestinationError>
  /** With its record. */
  readonly get: (id: bigint) => Effect.Effect<StoredLetter | undefined, DestinationError>
  /**
   * One transaction that marks the letter first, so that of several at once only one goes on, and then does what the
   * record does. Once begun it is not interrupted. A lost answer to COMMIT is resolved by looking at the letter; it
   * fails only where nobody can look.
   */
  readonly replay: (request: ReplayRequest) => Effect.Effect<ReplayOutcome, DestinationError>
  /** Stores why a letter that is open has failed again, and counts the attempt. */
  readonly refused: (id: bigint, error: RecordError) => Effect.Effect<void, DestinationError>
  /** Deletes them; answers how many there were. */
  readonly discard: (ids: ReadonlyArray<bigint>) => Effect.Effect<number, DestinationError>
}>() {}
