import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { Ask } from "./ask.js"
import { flag, optionalWhole, textOption } from "./options.js"

const options = {
  topics: Options.text("topic").pipe(
    Options.withPseudoName("TOPIC"),
    Options.withDescription("Only this topic; repeatable. Default: all of kafka.topics."),
    Options.repeated
  ),
  schemaFile: textOption("schema", "FILE.avsc", "An Avro schema in a file, instead of the registry's."),
  version: optionalWhole("schema-version", 1, 2 ** 31 - 1, "This version of the subject, instead of the newest."),
  subject: textOption("subject", "SUBJECT", "Instead of TOPIC-value, for one record type of several in a topic."),
  allowWiden: flag("allow-widen", "Change columns to wider types, whatever schema.evolution says."),
  allowCopy: flag("allow-copy", "Also where that copies the table, or rebuilds a large one.")
}

export const planCommand = (ask: Ask) =>
  Command.make("plan", {
    ...options,
    check: flag("check", "Exit 2 where there is anything to do: for CI."),
    sql: flag("sql", "The statements alone, as -o sql.")
  }, ({ check, sql, ...rest }) => ask({ command: "plan", options: { ...rest, check, sql } })).pipe(
    Command.withDescription("Show the DDL that the newest schemas would cause, with reasons and costs.")
  )

export const applyCommand = (ask: Ask) =>
  Command.make("apply", {
    ...options,
    yes: flag("yes", "Alter the tables. Without it, the plan is shown.")
  }, ({ yes, ...rest }) => ask({ command: "apply", options: { ...rest, yes } })).pipe(
    Command.withDescription("Run what plan shows, under the lock that instances take.")
  )
