import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import type { Ask } from "./ask.js"
import { scaleDefault } from "../lab/onBrokers.js"
import { flag, optionalWhole, whole } from "./options.js"

const repeat = {
  seed: whole("seed", 0, 4_294_967_295, 1, "The same seed gives the same runs."),
  repeat: whole("repeat", 1, 10_000, 1, "Runs of each strategy, each with the next seed.")
}

const onBrokers = {
  real: flag("real", "On real brokers, with real processes and signals; its topics test-topic-… are left there."),
  scale: Options.text("scale").pipe(
    Options.withPseudoName("X"),
    Options.withDescription(
      `With --real: times are multiplied by it; 1: the original ones, which last a day. Default ${scaleDefault}.`
    ),
    Options.filterMap(
      (text) => /^(?:\d|\d?\.\d{1,4})$/.test(text) && Number(text) > 0 ? Option.some(Number(text)) : Option.none(),
      "--scale: expected a number above 0 and below 10, such as 0.01"
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  ),
  numbers: optionalWhole(
    "numbers",
    100,
    1_000_000,
    "With --real: how far offset-loss counts. Default 10000; with a scale below 1: 500."
  )
}

export const labCommand = (ask: Ask) =>
  Command.make("lab", {}, () => ask({ command: "lab", request: { kind: "list" } })).pipe(
    Command.withDescription("See how commit strategies lose or repeat records, in virtual time."),
    Command.withSubcommands([listCommand(ask), runCommand(ask), reportCommand(ask)])
  )

const listCommand = (ask: Ask) =>
  Command.make("list", {}, () => ask({ command: "lab", request: { kind: "list" } })).pipe(
    Command.withDescription("The experiments.")
  )

const runCommand = (ask: Ask) =>
  Command.make(
    "run",
    { name: Args.text({ name: "EXPERIMENT" }), ...repeat, onBrokers },
    ({ onBrokers: brokers, ...options }) => ask({ command: "lab", request: { kind: "run", ...options }, brokers })
  ).pipe(
    Command.withDescription("Run one experiment, or all of them and the matrix of strategies and faults.")
  )

const reportCommand = (ask: Ask) =>
  Command.make(
    "report",
    { file: Args.text({ name: "FILE" }).pipe(Args.withDefault("lab-report.html")), ...repeat },
    (options) => ask({ command: "lab", request: { kind: "report", ...options } })
  ).pipe(
    Command.withDescription("Write everything into one HTML page, with pictures.")
  )
