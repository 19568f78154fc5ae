import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import { type LogDumpOptions, sourceOf } from "../logDump/options.js"
import type { Ask } from "./ask.js"
import { flag, optionalWhole } from "./options.js"

export const logCommand = (ask: Ask) =>
  Command.make("log", {}, () => ask({ command: "log dump", options: nothing })).pipe(
    Command.withDescription("Look at a log as it is stored."),
    Command.withSubcommands([dumpCommand(ask)])
  )

/** Refused with what can be named. */
const nothing: LogDumpOptions = {
  files: [],
  logs: [],
  from: 0n,
  to: undefined,
  batchesOnly: false,
  controlOnly: false
}

const dumpCommand = (ask: Ask) =>
  Command.make("dump", {
    named: Args.text({ name: "TOPIC[:PARTITION]|FILE.log" }).pipe(Args.repeated),
    files: Options.text("file").pipe(
      Options.withPseudoName("FILE.log"),
      Options.withDescription(
        "A segment file of a broker's log directory, or of the embedded log. Several: each is shown."
      ),
      Options.repeated
    ),
    topic: Options.text("topic").pipe(
      Options.withPseudoName("TOPIC"),
      Options.withDescription("A topic whose log is fetched from its leaders."),
      Options.optional,
      Options.map(Option.getOrUndefined)
    ),
    partition: optionalWhole("partition", 0, 999_999, "Only this one of --topic's partitions."),
    from: offset("from", "First offset (default: where the log begins)."),
    to: offset("to", "Offset to stop before (default: where the log ends now)."),
    batches: flag("batches", "Only the batches' headers, not the records."),
    control: flag("control", "Only the ends of transactions: COMMIT and ABORT.")
  }, ({ batches, control, files, from, named, partition, to, topic }) => {
    const sources = named.map(sourceOf)
    return ask({
      command: "log dump",
      options: {
        files: [...sources.flatMap((source) => "file" in source ? [source.file] : []), ...files],
        logs: [
          ...sources.flatMap((source) => "topic" in source ? [source] : []),
          ...topic === undefined ? [] : [{ topic, partition }]
        ],
        from: from ?? 0n,
        to,
        batchesOnly: batches,
        controlOnly: control
      }
    })
  }).pipe(
    Command.withDescription("Print batches and records as kafka-dump-log does; exit 65 where they are damaged.")
  )

const offset = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("OFFSET"),
    Options.withDescription(description),
    Options.filterMap(
      (text) => /^\d{1,18}$/.test(text) ? Option.some(BigInt(text)) : Option.none(),
      `--${name}: expected an offset, such as 1200`
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )
