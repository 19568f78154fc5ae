import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"
import { whole } from "./options.js"

export const demoCommand = (ask: Ask) =>
  Command.make("demo", {
    count: whole("count", 100, 1_000_000, 20_000, "Records for each of the three topics.")
  }, (options) => ask({ command: "demo", options })).pipe(
    Command.withDescription("Show the guarantee without any server: kill the pipeline twice, count the rows.")
  )
