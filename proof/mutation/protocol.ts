import * as Schema from "effect/Schema"
import { FileReport } from "./judge.js"

/** What the process that runs tests is asked for. */
export const Request = Schema.Struct({
  files: Schema.Array(Schema.String),
  /** Of the full names of the tests to run. */
  pattern: Schema.String,
  /** Sources that have changed since the last request. */
  changed: Schema.Array(Schema.String)
})

export const Answer = Schema.Union(
  Schema.Struct({ _tag: Schema.Literal("Ready") }),
  Schema.Struct({ _tag: Schema.Literal("Ran"), reports: Schema.Array(FileReport) }),
  Schema.Struct({ _tag: Schema.Literal("Broken"), why: Schema.String })
)
