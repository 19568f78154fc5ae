import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import type { Choice, When } from "../dlq/DlqRequest.js"
import type { Ask } from "./ask.js"
import { durationMs, flag, optionalWhole, textOption, whole } from "./options.js"

export const dlqCommand = (ask: Ask) =>
  Command.make("dlq", {}, () => ask({ command: "dlq", request: { kind: "list", choice: nothing, all: false, limit } }))
    .pipe(
      Command.withDescription("Look at dead letters, write them to their tables, or throw them away."),
      Command.withSubcommands([
        listCommand(ask),
        showCommand(ask),
        replayCommand(ask),
        discardCommand(ask),
        exportCommand(ask)
      ])
    )

const limit = 100
const nothing: Choice = { ids: [], topics: [], code: undefined, since: undefined, until: undefined }

const idOf = (text: string): Option.Option<bigint> =>
  /^\d{1,19}$/.test(text) ? Option.some(BigInt(text)) : Option.none()

const isoTime = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$/

/** A time without a zone is UTC, as every time that is printed. */
const whenOf = (text: string): Option.Option<{ readonly text: string; readonly when: When }> => {
  const agoMs = durationMs(text)
  if (agoMs !== undefined) return Option.some({ text, when: { agoMs } })
  const zoned = isoTime.exec(text)?.[1] !== undefined || text.length === 10 ? text : `${text}Z`
  const at = isoTime.test(text) ? Date.parse(zoned) : Number.NaN
  return Number.isFinite(at) ? Option.some({ text: text.replace(" ", "T"), when: { at } }) : Option.none()
}

const time = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("TIME"),
    Options.withDescription(`${description}: 2026-01-31T12:00:00Z, or 2h for two hours ago.`),
    Options.filterMap(whenOf, `--${name}: expected a time such as 2026-01-31T12:00:00Z, or an age such as 30m or 2h`),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

const choice = {
  ids: Options.text("id").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("This letter; repeatable."),
    Options.repeated,
    Options.filterMap((texts) => Option.all(texts.map(idOf)), "--id: expected the number that dlq list shows")
  ),
  topics: Options.text("topic").pipe(
    Options.withPseudoName("TOPIC"),
    Options.withDescription("Letters of this topic; repeatable."),
    Options.repeated
  ),
  code: optionalWhole("errno", 0, 99_999, "Letters with this error of the database; 0: refused by Tributary itself."),
  since: time("since", "Letters made at this time or later"),
  until: time("until", "Letters made before")
}

const every = flag("all", "Every open letter, where nothing else is chosen.")
const execute = flag("execute", "Do it. Without it, what would be done is shown.")
const closedToo = flag("all", "Letters that have been replayed, too.")

const listCommand = (ask: Ask) =>
  Command.make("list", {
    choice,
    limit: whole("limit", 1, 10_000, limit, "Letters to show, the oldest first."),
    all: closedToo
  }, (options) => ask({ command: "dlq", request: { kind: "list", ...options } })).pipe(
    Command.withDescription("Which records have not become rows, and why.")
  )

const showCommand = (ask: Ask) =>
  Command.make("show", {
    id: Args.text({ name: "ID" }).pipe(
      Args.withDescription("Its number, as dlq list shows it."),
      Args.mapTryCatch(BigInt, () => HelpDoc.p("ID: expected the number that dlq list shows"))
    ),
    showPayload: flag("show-payload", "The record's key, value and headers, too: decoded where they can be.")
  }, (options) => ask({ command: "dlq", request: { kind: "show", ...options } })).pipe(
    Command.withDescription("All that is known of one letter.")
  )

const replayCommand = (ask: Ask) =>
  Command.make("replay", {
    choice,
    all: every,
    execute,
    rate: Options.text("rate").pipe(
      Options.withPseudoName("N/s"),
      Options.withDescription("At most so many letters per second."),
      Options.filterMap(
        (text) => Option.map(Option.fromNullable(/^([1-9]\d{0,5})(?:\/s)?$/.exec(text)), ([, n]) => Number(n)),
        "--rate: expected letters per second, such as 50/s"
      ),
      Options.optional,
      Options.map(Option.getOrUndefined)
    )
  }, (options) => ask({ command: "dlq", request: { kind: "replay", options } })).pipe(
    Command.withDescription("Write the rows of letters: each in one transaction that marks its letter.")
  )

const discardCommand = (ask: Ask) =>
  Command.make("discard", {
    choice,
    all: every,
    replayed: flag("replayed", "Those that have been replayed, instead of the open ones."),
    execute,
    reason: textOption("reason", "TEXT", "Why, for the log.")
  }, (options) => ask({ command: "dlq", request: { kind: "discard", options } })).pipe(
    Command.withDescription("Delete letters with their records.")
  )

const exportCommand = (ask: Ask) =>
  Command.make("export", {
    choice,
    all: closedToo,
    after: Options.text("after").pipe(
      Options.withPseudoName("ID"),
      Options.withDescription("Only letters with higher numbers: to go on where an export has ended."),
      Options.filterMap(idOf, "--after: expected a letter's number"),
      Options.withDefault(0n)
    )
  }, (options) => ask({ command: "dlq", request: { kind: "export", ...options } })).pipe(
    Command.withDescription("Letters as lines of JSON, with their records in base64.")
  )
