import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { Config } from "../../domain/Config.js"
import type { LetterSummary } from "../../domain/StoredLetter.js"
import { DeadLetters } from "../../layers/DeadLetters.js"
import { Destination, type DestinationError } from "../../layers/Destination.js"
import type { Globals } from "../argv.js"
import { ExitCode } from "../exitCodes.js"
import { jsonLine } from "../report.js"
import { choiceText, type ReplayOptions } from "./DlqRequest.js"
import { impatient } from "./impatient.js"
import { chosen, filterOf, lettersOf, pageLetters } from "./letters.js"
import { placeOf } from "./letterText.js"
import { makeReplayer, type Replayer, type Result } from "./replayLetter.js"

type Output = Globals["output"]

/** Of all letters together. */
type Tally = Record<Result["outcome"], number>

/** Programs get a line for each letter, people for those of which there is something to say. */
const say = (output: Output, letter: LetterSummary, { note, outcome }: Result, words: string): Effect.Effect<void> => {
  const { id, offset, partition, topic } = letter
  if (output === "json") return Console.log(jsonLine({ id, topic, partition, offset, outcome, note: note ?? null }))
  return note === undefined ? Effect.void : Console.log(`${id} ${placeOf(letter)} ${words}: ${note}`)
}

/** Ids that name no letter, as results: somebody has asked for them. */
const sayMissing = (output: Output, ids: ReadonlyArray<bigint>, seen: ReadonlySet<bigint>) =>
  Effect.forEach(ids.filter((id) => !seen.has(id)), (id) =>
    Console.log(
      output === "json"
        ? jsonLine({ id, outcome: "left", note: "there is no such letter" })
        : `${id} left: there is no such letter`
    ))

/** The sum goes where it does not stand among the lines that a program reads. */
const sum = (output: Output, text: string): Effect.Effect<void> =>
  output === "json" ? Console.error(text) : Console.log(text)

/** Waits until the next letter is due. */
const paced = (rate: number | undefined): Effect.Effect<(done: number) => Effect.Effect<void>> =>
  Effect.map(
    Clock.currentTimeMillis,
    (startMs) => (done) =>
      rate === undefined ?
        Effect.void :
        Effect.flatMap(
          Clock.currentTimeMillis,
          (nowMs) => Effect.sleep(Math.max(0, startMs + done * 1000 / rate - nowMs))
        )
  )

export const replayLetters = (config: Config, options: ReplayOptions, output: Output) =>
  Effect.gen(function*() {
    const { all, choice, execute } = options
    yield* chosen("replay", choice, all)
    const filter = yield* filterOf(choice, "open")
    const { last, letters: total } = yield* (yield* DeadLetters).count(filter)
    const letters = lettersOf(filter, last)
    const seen = new Set<bigint>()
    const noted = Stream.tap(letters, ({ id }) =>
      Effect.sync(() => {
        if (choice.ids.length > 0) seen.add(id)
      }))
    const tally: Tally = { replayed: 0, refused: 0, left: 0 }
    const done = impatient(
      execute ? write(config, options, output, noted, tally, total) : tryOut(config, output, noted, tally)
    )
    yield* done
    const missing = yield* sayMissing(output, choice.ids, seen)
    const rest = tally.left + missing.length
    if (!execute) {
      yield* sum(
        output,
        `DRY RUN: of ${total} letters ${tally.replayed} can be encoded, ${tally.refused} would be refused again, ${rest} left `
          + "as they are; what the database says of the rows is not known yet. Nothing was changed. "
          + `To do it: tributary dlq replay${choiceText(choice)}${all ? " --all" : ""} --execute`
      )
      return ExitCode.done
    }
    yield* sum(output, `replayed ${tally.replayed}   refused ${tally.refused}   left as they are ${rest}`)
    return tally.refused + rest > 0 ? ExitCode.failed : ExitCode.done
  })

type Letters = Stream.Stream<LetterSummary, DestinationError, DeadLetters>

const write = (
  config: Config,
  { rate }: ReplayOptions,
  output: Output,
  letters: Letters,
  tally: Tally,
  total: number
) =>
  Effect.gen(function*() {
    const replayer = yield* makeReplayer(config)
    const due = yield* paced(rate)
    let done = 0
    yield* Stream.runForEach(letters, (letter) =>
      Effect.gen(function*() {
        yield* due(done)
        const result = yield* replayer.replay(letter)
        tally[result.outcome] += 1
        done += 1
        yield* say(output, letter, result, result.outcome)
        if (done % pageLetters === 0 && done < total) {
          yield* Console.error(`${done} of ${total}: ${tally.replayed} replayed, ${tally.refused} refused`)
        }
      }))
  })

/** What `Destination` is told while nothing may be changed: tables are taken to be as they should. */
const lookOnly = Effect.map(Destination, (destination) =>
  Destination.of({
    ...destination,
    ensureTable: () => Effect.succeed({ keyColumns: true, ignored: new Set<string>() })
  }))

const dryResult = (replayer: Replayer, summary: LetterSummary): Effect.Effect<Result, DestinationError, DeadLetters> =>
  Effect.gen(function*() {
    if (summary.replayedAt !== undefined) return { outcome: "left", note: `it was replayed at ${summary.replayedAt}` }
    const letter = yield* (yield* DeadLetters).get(summary.id)
    if (letter === undefined) return { outcome: "left", note: "it has been discarded meanwhile" }
    return Either.match(yield* replayer.encode(letter), {
      onLeft: ({ note, outcome }): Result => ({ outcome, note }),
      onRight: (): Result => ({ outcome: "replayed", note: undefined })
    })
  })

const tryOut = (config: Config, output: Output, letters: Letters, tally: Tally) =>
  Effect.gen(function*() {
    const replayer = yield* makeReplayer(config)
    yield* Stream.runForEach(letters, (letter) =>
      Effect.gen(function*() {
        const result = yield* dryResult(replayer, letter)
        tally[result.outcome] += 1
        yield* say(output, letter, result, result.outcome === "refused" ? "would be refused again" : result.outcome)
      }))
  }).pipe(Effect.provideServiceEffect(Destination, lookOnly))
