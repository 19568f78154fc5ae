import * as Command from "@effect/cli/Command"
import { completionCommand, versionCommand } from "./commands/about.js"
import type { Ask } from "./commands/ask.js"
import { configCommand } from "./commands/config.js"
import { demoCommand } from "./commands/demo.js"
import { dlqCommand } from "./commands/dlq.js"
import { lagCommand, statusCommand } from "./commands/lag.js"
import { labCommand } from "./commands/lab.js"
import { logCommand } from "./commands/log.js"
import { applyCommand, planCommand } from "./commands/plan.js"
import { produceCommand } from "./commands/produce.js"
import { readCommand } from "./commands/read.js"
import { runCommand } from "./commands/run.js"
import { topicsCommand } from "./commands/topics.js"
import { transformCommand } from "./commands/transform.js"
import { verifyCommand } from "./commands/verify.js"

/** The tree of commands. Each only says, through `ask`, what is asked for. */
export const rootCommand = (ask: Ask) =>
  Command.make("tributary", {}, () => ask({ command: "run", untilEnd: false, groups: undefined })).pipe(
    Command.withDescription("Kafka (Avro) to MySQL, exactly once."),
    Command.withSubcommands([
      runCommand(ask),
      produceCommand(ask),
      readCommand(ask),
      planCommand(ask),
      applyCommand(ask),
      verifyCommand(ask),
      dlqCommand(ask),
      lagCommand(ask),
      statusCommand(ask),
      transformCommand(ask),
      topicsCommand(ask),
      logCommand(ask),
      demoCommand(ask),
      labCommand(ask),
      configCommand(ask),
      versionCommand(ask),
      completionCommand(ask)
    ])
  )
