import * as Command from "@effect/cli/Command"
import { completionCommand, versionCommand } from "./commands/about.js"
import type { Ask } from "./commands/ask.js"
import { configCommand } from "./commands/config.js"
import { demoCommand } from "./commands/demo.js"
import { produceCommand } from "./commands/produce.js"
import { runCommand } from "./commands/run.js"
import { verifyCommand } from "./commands/verify.js"

/** The tree of commands. Each only says, through `ask`, what is asked for. */
export const rootCommand = (ask: Ask) =>
  Command.make("tributary", {}, () => ask({ command: "run", untilEnd: false })).pipe(
    Command.withDescription("Kafka (Avro) to MySQL, exactly once."),
    Command.withSubcommands([
      runCommand(ask),
      produceCommand(ask),
      verifyCommand(ask),
      demoCommand(ask),
      configCommand(ask),
      versionCommand(ask),
      completionCommand(ask)
    ])
  )
