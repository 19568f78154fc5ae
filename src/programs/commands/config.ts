import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"

export const configCommand = (ask: Ask) => {
  const show = Command.make("show", {}, () => ask({ command: "config show" })).pipe(
    Command.withDescription("Every key with its value, secrets hidden, and where the value comes from.")
  )
  return Command.make("config", {}, () => ask({ command: "config show" })).pipe(
    Command.withDescription("Look at the configuration."),
    Command.withSubcommands([show])
  )
}
