import * as Effect from "effect/Effect"
import { settingsOf } from "../domain/Config.js"
import type { DeadLetter, RecordError } from "../domain/DeadLetter.js"
import { admit, noRecords, type RecentRecords } from "../domain/errorRate.js"
import type { Slice } from "../domain/KafkaRecord.js"
import { splitSlice } from "../domain/slices.js"
import type { ErrorPolicy } from "../domain/TopicSettings.js"
import { type Claim, type Destination, type WriteError, type WriteRequest } from "../layers/Destination.js"
import { sayLetters } from "./deadLetters/sayLetters.js"
import type { Encoded } from "./encoders.js"
import { Held, mostlyLetters } from "./held.js"
import { throughOutage, unavailable } from "./outage.js"
import { backoffOf, type PartitionEnv } from "./PartitionEnv.js"
import { writeOnce, type Written } from "./writeOnce.js"

/** Between two tries of a row that waits for the parent row which its foreign key names. */
const parentEveryMs = 1000

/** Writes the slices of one claim. */
export interface SliceWriter {
  /**
   * One slice, in as few transactions as possible, and one line about what became a dead letter. Fails at the first
   * record that can become neither row nor letter, after everything before it has been written.
   */
  readonly write: (slice: Slice) => Effect.Effect<Written, Held, Destination>
}

interface Writer {
  readonly env: PartitionEnv
  readonly claim: Claim
  readonly policy: ErrorPolicy
  /** What has been committed, for the share of letters. */
  recent: RecentRecords
  /** Letters committed and not yet told of. */
  told: Array<DeadLetter>
  /** How long the slice's rows may still wait for the parent rows that their foreign keys name. */
  parentWaitMs: number
}

export const makeSliceWriter = (env: PartitionEnv, claim: Claim): SliceWriter => {
  const policy = settingsOf(env.config, env.topic).errors
  const writer: Writer = { env, claim, policy, recent: noRecords, told: [], parentWaitMs: 0 }
  const say = Effect.suspend(() => {
    const letters = writer.told
    writer.told = []
    return sayLetters(letters)
  })
  const write: SliceWriter["write"] = (slice) =>
    Effect.suspend(() => {
      // Of the slice, not of each record: what one has waited, those behind it have waited as well.
      writer.parentWaitMs = policy.foreignKeyWaitMs
      return Effect.ensuring(writeSlice(writer, slice), say)
    })
  return { write }
}

const nameOf = ({ partition, topic }: PartitionEnv, slice: Slice): string =>
  `record ${topic}-${partition}@${slice.records[0]?.offset ?? slice.expected}`

/** A failing transaction is halved until the record is alone: the others stay in as few statements as possible. */
const writeSlice = (
  writer: Writer,
  slice: Slice,
  catalogRead = false
): Effect.Effect<Written, Held, Destination> =>
  Effect.gen(function*() {
    const { claim, env } = writer
    const encoded = yield* env.encoders.encode(slice.records, claim.sourceId, env.partition)
    if (encoded.problem !== undefined) {
      if (encoded.count > 0) return yield* writeParts(writer, slice, encoded.count)
      return yield* new Held({ ...encoded.problem, what: `${nameOf(env, slice)}: ${encoded.problem.what}` })
    }
    const admitted = admit(writer.recent, slice.records.length, placesOf(slice, encoded), writer.policy.maxRate)
    if (admitted.admitted < slice.records.length) {
      if (admitted.admitted > 0) return yield* writeParts(writer, slice, admitted.admitted)
      return yield* mostlyLetters(nameOf(env, slice), writer.policy.maxRate)
    }
    const isAlone = slice.records.length <= 1
    return yield* transaction(writer, slice, encoded, admitted.recent, isAlone).pipe(
      Effect.catchTag("WriteError", (error) => {
        if (isAboutCatalog(error) && !catalogRead) {
          return Effect.zipRight(env.encoders.forget, writeSlice(writer, slice, true))
        }
        if (!isAlone && (isAboutRecords(error) || isTooLarge(error))) {
          return writeParts(writer, slice, slice.records.length >> 1)
        }
        return isAboutRecords(error) ? refused(writer, slice, error) : Effect.fail(heldBy(env, slice, error))
      })
    )
  })

/** Which of the slice's records are letters; both are in the order of the log. */
const placesOf = ({ records }: Slice, { letters }: Encoded): ReadonlyArray<number> => {
  let at = 0
  return letters.map(({ record }) => {
    while (records[at] !== record) at += 1
    return at++
  })
}

const writeParts = (writer: Writer, slice: Slice, count: number): Effect.Effect<Written, Held, Destination> =>
  Effect.gen(function*() {
    const [head, rest] = splitSlice(slice, count)
    const written = yield* writeSlice(writer, head)
    return written === "fenced" || rest === undefined ? written : yield* writeSlice(writer, rest)
  })

const transaction = (
  writer: Writer,
  slice: Slice,
  { letters, statements, tombstonesIgnored }: Pick<Encoded, "letters" | "statements" | "tombstonesIgnored">,
  recent: RecentRecords,
  isAlone: boolean
): Effect.Effect<Written, WriteError | Held, Destination> => {
  const { claim, env } = writer
  const request: WriteRequest = { claim, expected: slice.expected, next: slice.next, statements, letters }
  const publish = Effect.sync(() => {
    writer.recent = recent
    writer.told.push(...letters)
    for (const { error } of letters) env.metrics.deadLetters(error.class, 1)
    if (tombstonesIgnored > 0) env.metrics.tombstonesIgnored(tombstonesIgnored)
    env.onCommitted(slice.next, slice.records.length)
  })
  const once = throughOutage("write", backoffOf(env), writeOnce(request, backoffOf(env), publish), unavailable)
  return isAlone ? patiently(writer, once) : once
}

/** For a record that is alone: its parent row may be on its way, and an error that is not listed gets another chance. */
const patiently = (
  writer: Writer,
  once: Effect.Effect<Written, WriteError | Held, Destination>,
  seen: ReadonlySet<number> = new Set()
): Effect.Effect<Written, WriteError | Held, Destination> =>
  Effect.catchTag(once, "WriteError", (error) => {
    // Counted in pauses, not by a clock: while the database is out no parent row can come.
    if (error.class === "wait-then-poison" && writer.parentWaitMs > 0) {
      const pauseMs = Math.min(parentEveryMs, writer.parentWaitMs)
      writer.parentWaitMs -= pauseMs
      return Effect.delay(patiently(writer, once, seen), pauseMs)
    }
    if (error.class === "unlisted" && !seen.has(error.code)) {
      return Effect.delay(patiently(writer, once, new Set([...seen, error.code])), parentEveryMs)
    }
    return Effect.fail(error)
  })

/** The database does not take this record. What is known to be the record's own fault becomes a letter. */
const refused = (writer: Writer, slice: Slice, error: WriteError): Effect.Effect<Written, Held, Destination> => {
  const { claim, env, policy } = writer
  const [record] = slice.records
  const isPoison = error.class === "poison" || error.class === "wait-then-poison"
  if (record === undefined || !isPoison || policy.records === "stop") return heldBy(env, slice, error)
  const { admitted, recent } = admit(writer.recent, 1, [0], policy.maxRate)
  if (admitted === 0) return mostlyLetters(nameOf(env, slice), policy.maxRate)
  const { code, column, reason: message = error.what } = error
  const why: RecordError = { class: "rejected", code, message, column }
  const letters = [env.encoders.letter(record, why, claim.sourceId, env.partition)]
  return Effect.catchTag(
    transaction(writer, slice, { letters, statements: [], tombstonesIgnored: 0 }, recent, true),
    "WriteError",
    (failed) => heldBy(env, slice, failed)
  )
}

/** Unknown column, unknown table: somebody has changed the table since it was looked at. */
const isAboutCatalog = ({ code }: WriteError): boolean => code === 1054 || code === 1146

/** Larger than the server takes in one statement: fewer records, or fewer letters, make a smaller one. */
const isTooLarge = ({ code }: WriteError): boolean => code === 1153

const isAboutRecords = (error: WriteError): boolean =>
  error.class === "poison" || error.class === "wait-then-poison" || error.class === "unlisted"

const heldBy = (env: PartitionEnv, slice: Slice, error: WriteError): Held => {
  const code = error.code > 0 ? ` [errno=${error.code}]` : ""
  if (error.class === "already-there") {
    return new Held({
      what: `${nameOf(env, slice)}: this record is already in the table: ${error.what}${code}`,
      cure:
        "the stored offset was moved back by hand, or the rows came from elsewhere: compare them with `tributary verify`"
    })
  }
  if (error.class === "setup") {
    const whose = isTooLarge(error) ? `${nameOf(env, slice)}: ` : ""
    return new Held({ what: `${whose}${error.what}${code}`, cure: error.cure ?? "change the set-up, then restart" })
  }
  return new Held({
    what: `${nameOf(env, slice)} cannot be stored: ${error.what}${code}`,
    cure: error.cure ?? "make the table fit the record (the record itself cannot change), then restart"
  })
}
