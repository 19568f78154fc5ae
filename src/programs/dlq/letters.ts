import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LetterSummary } from "../../domain/StoredLetter.js"
import { DeadLetters, type LetterFilter } from "../../layers/DeadLetters.js"
import type { DestinationError } from "../../layers/Destination.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { type Choice, chosenNothing, type When } from "./DlqRequest.js"

/** Letters that are asked for at once: without their records, so that this bounds memory. */
export const pageLetters = 100

const timeOf = (when: When | undefined, nowMs: number): number | undefined =>
  when === undefined ? undefined : "at" in when ? when.at : nowMs - when.agoMs

/** Ids name letters whatever has become of them, so that somebody can be told. */
export const filterOf = (choice: Choice, state: LetterFilter["state"]): Effect.Effect<LetterFilter> =>
  Effect.map(Clock.currentTimeMillis, (nowMs) => ({
    ids: choice.ids,
    topics: choice.topics,
    code: choice.code,
    sinceMs: timeOf(choice.since?.when, nowMs),
    untilMs: timeOf(choice.until?.when, nowMs),
    state: choice.ids.length > 0 ? "all" : state
  }))

/** Who changes letters says which. */
export const chosen = (command: string, choice: Choice, all: boolean): Effect.Effect<void, CommandError> =>
  all || !chosenNothing(choice) ? Effect.void : Effect.fail(
    new CommandError({
      code: "TRB-2701",
      exit: ExitCode.usage,
      what: `dlq ${command} wants to know which letters`,
      cure: "--id, --topic, --errno, --since or --until; or --all"
    })
  )

export const noLetter = (id: bigint): CommandError =>
  new CommandError({
    code: "TRB-2702",
    exit: ExitCode.failed,
    what: `there is no dead letter ${id}`,
    cure: "tributary dlq list --all shows which there are"
  })

/**
 * The letters by ascending id, page by page, each read when it is its turn. Not those that are made meanwhile: whoever
 * replays would never come to an end.
 */
export const lettersOf = (
  filter: LetterFilter,
  last: bigint,
  after = 0n
): Stream.Stream<LetterSummary, DestinationError, DeadLetters> =>
  Stream.unwrap(
    Effect.map(DeadLetters, ({ page }) =>
      Stream.paginateChunkEffect(after, (from) =>
        Effect.map(page(filter, { after: from, upTo: last, limit: pageLetters }), (found) => {
          const end = found.at(-1)
          const next = end === undefined || found.length < pageLetters ? Option.none() : Option.some(end.id)
          return [Chunk.fromIterable(found), next] as const
        })))
  )
