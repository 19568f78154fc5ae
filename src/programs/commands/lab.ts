import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"
import { whole } from "./options.js"

const repeat = {
  seed: whole("seed", 0, 4_294_967_295, 1, "The same seed gives the same runs."),
  repeat: whole("repeat", 1, 10_000, 1, "Runs of each strategy, each with the next seed.")
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
    { name: Args.text({ name: "EXPERIMENT" }), ...repeat },
    (options) => ask({ command: "lab", request: { kind: "run", ...options } })
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
