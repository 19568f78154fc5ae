import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import type { Ask } from "./ask.js"
import { flag, optionalWhole, whole } from "./options.js"

const partitionsMax = 100_000

export const topicsCommand = (ask: Ask) =>
  Command.make("topics", {}, () => ask({ command: "topics", request: { kind: "list", internal: false } })).pipe(
    Command.withDescription("Look at topics, make them, let them grow."),
    Command.withSubcommands([listCommand(ask), showCommand(ask), createCommand(ask), addCommand(ask)])
  )

const topic = Args.text({ name: "TOPIC" })

const listCommand = (ask: Ask) =>
  Command.make(
    "list",
    { internal: flag("internal", "Kafka's own topics too.") },
    ({ internal }) => ask({ command: "topics", request: { kind: "list", internal } })
  ).pipe(
    Command.withDescription("All topics with their partitions, replicas and records.")
  )

const showCommand = (ask: Ask) =>
  Command.make("show", {
    topic,
    last: whole("last", 0, 1000, 1, "Records to show of each partition's end."),
    all: flag("all", "Every key of the configuration, defaults included.")
  }, (options) => ask({ command: "topics", request: { kind: "show", ...options } })).pipe(
    Command.withDescription("Leaders, replicas, offsets, configuration and the last records of a topic.")
  )

const createCommand = (ask: Ask) =>
  Command.make("create", {
    topic,
    partitions: whole("partitions", 1, partitionsMax, 3, "Partitions; they can be added later and never taken away."),
    replication: optionalWhole("replication", 1, 1000, "Copies of each partition. Default: the brokers' own."),
    settings: Options.text("config").pipe(
      Options.withPseudoName("KEY=VALUE"),
      Options.withDescription(
        "A key of the topic's configuration, such as cleanup.policy=compact. Several are possible."
      ),
      Options.repeated,
      Options.filterMap(
        (texts) => Option.all(texts.map(settingOf)),
        "--config: expected KEY=VALUE of the topic; a property file is -c FILE"
      )
    )
  }, ({ partitions, replication, settings, topic: name }) =>
    ask({
      command: "topics",
      request: { kind: "create", topic: name, partitions, replicationFactor: replication, settings }
    })).pipe(Command.withDescription("Make a topic."))

const addCommand = (ask: Ask) =>
  Command.make("add-partitions", {
    topic,
    to: Options.text("to").pipe(
      Options.withPseudoName("N"),
      Options.withDescription("How many partitions the topic shall have."),
      Options.filterMap(
        (text) =>
          /^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= partitionsMax
            ? Option.some(Number(text))
            : Option.none(),
        `--to: expected a whole number from 1 to ${partitionsMax}`
      )
    )
  }, ({ to, topic: name }) => ask({ command: "topics", request: { kind: "add-partitions", topic: name, to } })).pipe(
    Command.withDescription(
      "Let a topic grow; keys may go to other partitions from then on."
    )
  )

const settingOf = (text: string) => {
  const [, name, value] = /^\s*([A-Za-z0-9._-]+)\s*=(.*)$/s.exec(text) ?? []
  return name === undefined || value === undefined ? Option.none() : Option.some({ name, value: value.trim() })
}
