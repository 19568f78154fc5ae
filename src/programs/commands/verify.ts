import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"
import { topics } from "./options.js"

export const verifyCommand = (ask: Ask) =>
  Command.make("verify", {
    topics: topics("Only these topics (default: all of kafka.topics).")
  }, (options) => ask({ command: "verify", options })).pipe(
    Command.withDescription("Compare Kafka's log, the stored offsets and the rows; exit 2 where they differ.")
  )
