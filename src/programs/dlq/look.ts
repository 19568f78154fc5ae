import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Config } from "../../domain/Config.js"
import { recordTime } from "../../domain/DeadLetter.js"
import { isoTime, type StoredLetter } from "../../domain/StoredLetter.js"
import { DeadLetters } from "../../layers/DeadLetters.js"
import type { DestinationError } from "../../layers/Destination.js"
import type { Globals } from "../argv.js"
import { type CommandError, ExitCode } from "../exitCodes.js"
import { jsonLine, printData } from "../report.js"
import { type DlqRequest } from "./DlqRequest.js"
import { impatient } from "./impatient.js"
import { filterOf, lettersOf, noLetter } from "./letters.js"
import { exportJson, letterJson, lettersTable, placeOf, reasonOf, stateOf } from "./letterText.js"
import { type Payload, payloadOf, shownJson, shownText, undecoded } from "./payload.js"

type Asked<K extends DlqRequest["kind"]> = Extract<DlqRequest, { readonly kind: K }>
type Output = Globals["output"]

export const listLetters = (
  { all, choice, limit }: Asked<"list">,
  output: Output
): Effect.Effect<ExitCode, DestinationError, DeadLetters> =>
  Effect.gen(function*() {
    const { count, page } = yield* DeadLetters
    const filter = yield* filterOf(choice, all ? "all" : "open")
    const { last, letters: total } = yield* count(filter)
    const letters = yield* page(filter, { after: 0n, upTo: last, limit })
    const none = all ? "no dead letters" : "no open dead letters"
    const more = letters.length < total ? [`the first ${letters.length} of ${total}: --limit shows more`] : []
    yield* printData(output, {
      table: () => letters.length === 0 ? none : [lettersTable(letters), ...more].join("\n"),
      json: () => ({ total, letters: letters.map(letterJson) })
    })
    return ExitCode.done
  })

/** What the record holds is printed only where it is asked for. */
export const showLetter = (config: Config, { id, showPayload }: Asked<"show">, output: Output) =>
  Effect.gen(function*() {
    const letter = yield* (yield* DeadLetters).get(id)
    if (letter === undefined) return yield* noLetter(id)
    const payload = showPayload
      ? yield* impatient(payloadOf(config, letter)).pipe(
        Effect.catchAll(({ message }) => Effect.succeed(undecoded(message, letter)))
      )
      : undefined
    yield* printData(output, {
      table: () => letterLines(letter, payload).map(([name, text]) => `${`${name}:`.padEnd(11)}${text}`).join("\n"),
      json: () => ({
        ...letterJson(letter),
        time: timeOf(letter) ?? null,
        ...(payload === undefined ? {} : {
          key: shownJson(payload.key),
          value: shownJson(payload.value),
          headers: payload.headers.map(([key, value]) => ({ key, value: shownJson(value) }))
        })
      })
    })
    return ExitCode.done
  })

const timeOf = ({ record }: StoredLetter): string | undefined => {
  const time = recordTime(record)
  return time === undefined ? undefined : isoTime(time)
}

const sizeOf = (bytes: Uint8Array | null): string =>
  bytes === null ? "null" : `${bytes.length} bytes (--show-payload prints them)`

const letterLines = (
  letter: StoredLetter,
  payload: Payload | undefined
): ReadonlyArray<readonly [name: string, text: string]> => {
  const { attempts, createdAt, error, group, record, replayedAt, schemaId, sourceId } = letter
  return [
    ["letter", `${letter.id}, ${stateOf(letter)}${replayedAt === undefined ? "" : ` since ${replayedAt}`}`],
    ["record", placeOf(letter)],
    ["group", `${group} (source ${sourceId})`],
    ["reason", `${error.class}${error.code === 0 ? "" : `, errno ${error.code}`}: ${reasonOf(error)}`],
    ...(error.column === undefined ? [] : [["column", error.column] as const]),
    ["tries", String(attempts)],
    ["made at", createdAt],
    ["timestamp", timeOf(letter) ?? "none"],
    ["schema id", schemaId === undefined ? "not known" : String(schemaId)],
    ["key", payload === undefined ? sizeOf(record.key) : shownText(payload.key)],
    ["value", payload === undefined ? sizeOf(record.value) : shownText(payload.value)],
    ...(payload === undefined
      ? [["headers", record.headers.map(([name]) => name).join(", ") || "none"] as const]
      : payload.headers.map(([name, value]) => [`header ${name}`, shownText(value)] as const))
  ]
}

/** One line of JSON for each letter, with all that is needed to restore it. */
export const exportLetters = (
  { after, all, choice }: Asked<"export">
): Effect.Effect<ExitCode, DestinationError | CommandError, DeadLetters> =>
  Effect.gen(function*() {
    const { count, get } = yield* DeadLetters
    const filter = yield* filterOf(choice, all ? "all" : "open")
    const { last } = yield* count(filter)
    let written = 0
    yield* lettersOf(filter, last, after).pipe(
      Stream.mapEffect(({ id }) => get(id)),
      Stream.runForEach((letter) => {
        // Discarded meanwhile.
        if (letter === undefined) return Effect.void
        written += 1
        return Console.log(jsonLine(exportJson(letter)))
      })
    )
    yield* Console.error(
      `exported ${written} dead letters` + (written === 0 ? "" : `; what comes later: --after ${last}`)
    )
    return ExitCode.done
  })
