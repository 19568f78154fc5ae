import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { consumerKeys } from "../../domain/javaKeys.js"
import { behaviours, type CommitStrategy } from "../read/commitStrategy.js"
import { formatNames } from "../read/formats.js"
import { parseFrom } from "../read/from.js"
import { autoCommitIntervalMs } from "../read/settings.js"
import type { Ask } from "./ask.js"
import {
  duration,
  durationMs,
  groupsFile,
  javaDurationFlag,
  javaFlag,
  javaWords,
  optionalWhole,
  size,
  textOption,
  whole
} from "./options.js"

const billion = 1_000_000_000
const strategies = Object.keys(behaviours)
const isStrategy = (text: string): text is CommitStrategy => Object.hasOwn(behaviours, text)

const optional = <A>(options: Options.Options<A>) => options.pipe(Options.optional, Options.map(Option.getOrUndefined))

const topic = Args.text({ name: "TOPIC" }).pipe(
  Args.withDescription("The topic to read; with --groups: none."),
  Args.optional,
  Args.map(Option.getOrUndefined)
)

const reading = {
  commit: Options.text("commit").pipe(
    Options.withPseudoName(strategies.join("|")),
    Options.withDescription(
      "When offsets are committed. Default auto; without a group, or with enable.auto.commit=false, none."
    ),
    Options.filterMap(
      (text) => isStrategy(text) ? Option.some(text) : Option.none(),
      `--commit: expected one of ${strategies.join(", ")}`
    ),
    optional
  ),
  members: whole("members", 1, 1000, 1, "Members of the group in this process."),
  from: Options.text("from").pipe(
    Options.withPseudoName("beginning|end|N|-N|@TIME"),
    Options.withDescription("Begin here, whatever the group has committed; -N: so many offsets before the end."),
    Options.filterMap(
      (text) => Either.getRight(parseFrom(text)),
      "--from: expected beginning, end, N, -N or @TIME, such as @2026-01-31T12:00:00Z"
    ),
    optional
  ),
  startFromLatest: Options.boolean("start-from-latest").pipe(Options.withDescription("The same as --from end.")),
  untilEnd: Options.boolean("until-end").pipe(
    Options.withDescription("Stop when the ends that the topic has now are reached.")
  ),
  max: optionalWhole("max", 1, billion, "Stop after so many records."),
  pollTimeout: duration("poll-timeout", "Longest wait of a poll. Default 1s."),
  noListener: Options.boolean("no-listener").pipe(
    Options.withDescription("Do not commit when partitions are given back (auto commits all the same).")
  ),
  metrics: duration("metrics", "Print what the client measures, so often.")
}

const processing = {
  processDelay: duration("process-delay", "Work of this time for each record, in the poll loop."),
  process: Options.text("process").pipe(
    Options.withPseudoName("async:TIME"),
    Options.withDescription("Work of this time for each record, beside the poll loop, which goes on."),
    Options.filterMap(
      (text) => text.startsWith("async:") ? Option.fromNullable(durationMs(text.slice(6))) : Option.none(),
      "--process: expected async:TIME, such as async:60s"
    ),
    optional
  ),
  unordered: Options.boolean("unordered").pipe(
    Options.withDescription("With --process: results as the work ends, not in the order of the records.")
  ),
  capacity: optionalWhole("capacity", 1, billion, "With --process: most records in work. Default 10000.")
}

const output = {
  format: Options.text("format").pipe(
    Options.withPseudoName(formatNames.join("|")),
    Options.withDescription("What is shown of a record. Default value; in .csv and .tsv all columns."),
    Options.filterMap(
      (text) => Option.fromNullable(formatNames.find((name) => name === text)),
      `--format: expected one of ${formatNames.join(", ")}`
    ),
    optional
  ),
  file: textOption(
    "file",
    "NAME.csv|.tsv|.log",
    "Write into this folder, consumer-thread-N.csv for each member: every record once, over kills and rebalances."
  ),
  rotate: size("rotate", 1024, "With --file: a new file before one grows beyond this.")
}

const java = {
  group: javaFlag(consumerKeys.groupId, "NAME"),
  isolation: javaFlag(consumerKeys.isolation, "read_uncommitted|read_committed"),
  autoCommitInterval: javaDurationFlag(consumerKeys.autoCommitIntervalMs, String(autoCommitIntervalMs))
}

export const readCommand = (ask: Ask) =>
  Command.make("read", { topic, groups: groupsFile, reading, processing, output, java, words: javaWords }, (given) => {
    const { commit, from, max, members, metrics, noListener, pollTimeout, startFromLatest, untilEnd } = given.reading
    const { capacity, process, processDelay, unordered } = given.processing
    return ask({
      command: "read",
      topic: given.topic,
      groups: given.groups,
      options: {
        commit,
        members,
        from,
        startFromLatest,
        untilEnd,
        max,
        pollTimeoutMs: pollTimeout,
        processDelayMs: processDelay,
        asyncWorkMs: process,
        unordered,
        capacity,
        noListener,
        metricsEveryMs: metrics,
        format: given.output.format,
        file: given.output.file,
        rotateBytes: given.output.rotate,
        java: { ...given.words, flags: Object.values(given.java).flat() }
      }
    })
  }).pipe(Command.withDescription("Read a topic as the Java client does, with any of its ways to commit."))
