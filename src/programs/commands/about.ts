import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"

export const versionCommand = (ask: Ask) =>
  Command.make("version", {}, () => ask({ command: "version" })).pipe(
    Command.withDescription("Print the version.")
  )

export const completionCommand = (ask: Ask) =>
  Command.make("completion", {
    shell: Args.choice([["bash", "bash" as const], ["zsh", "zsh" as const], ["fish", "fish" as const]], {
      name: "SHELL"
    })
  }, ({ shell }) => ask({ command: "completion", shell })).pipe(
    Command.withDescription("Print a completion script, to be sourced by the shell.")
  )
