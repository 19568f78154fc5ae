import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { Ask } from "./ask.js"
import { groupsFile } from "./options.js"

export const runCommand = (ask: Ask) =>
  Command.make("run", {
    groups: groupsFile,
    untilEnd: Options.boolean("until-end").pipe(
      Options.withDescription("Stop when the ends that the topics have now are reached.")
    )
  }, (options) => ask({ command: "run", ...options })).pipe(
    Command.withDescription("Move records from Kafka into MySQL, each exactly once.")
  )
