import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import type { Ask } from "./ask.js"
import { duration, oneOf, whole } from "./options.js"

const text = (name: string, pseudoName: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName(pseudoName),
    Options.withDescription(description),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

const time = (name: string, fallbackMs: number, description: string) =>
  Options.map(duration(name, description), (ms) => ms ?? fallbackMs)

export const transformCommand = (ask: Ask) =>
  Command.make("transform", {
    input: Args.text({ name: "IN" }).pipe(Args.withDescription("The topic that is read.")),
    output: Args.text({ name: "OUT" }).pipe(Args.withDescription("The topic that is written; created if missing.")),
    map: Options.map(
      text("map", "event|identity|FILE", "aa,bb to EVENT(aa,bb); a copy; or a module's default export. Default event."),
      (map) => map ?? "event"
    ),
    poison: oneOf("poison", ["stop", "skip"], "A record that cannot be mapped stops its partition, or is set aside."),
    deadLetterTopic: text("dead-letter-topic", "TOPIC", "Where --poison skip puts it. Default OUT-dead-letters."),
    commitIntervalMs: time("commit-interval", 120_000, "Longest time between two commits. Default 2m."),
    commitRecords: whole("commit-records", 0, 1_000_000_000, 0, "Most input records in a transaction; 0: no limit."),
    transactionTimeoutMs: time(
      "transaction-timeout",
      600_000,
      "After this time the broker aborts what is open; longer than --commit-interval. Default 10m."
    ),
    group: text("group", "GROUP", "Consumer group that reads IN. Default transform-IN-OUT."),
    transactionalId: text("transactional-id", "PREFIX", "Of the ids, one per partition of IN. Default: the group."),
    isolation: oneOf("isolation", ["read_committed", "read_uncommitted"], "Which records of IN are read."),
    from: oneOf("from", ["earliest", "latest", "none"], "Where a partition begins that the group has not read."),
    untilEnd: Options.boolean("until-end").pipe(
      Options.withDescription("Stop when the ends that IN has now are committed.")
    )
  }, (options) => ask({ command: "transform", options })).pipe(
    Command.withDescription("Transform one topic into another, exactly once, in Kafka transactions.")
  )
