import * as Schema from "effect/Schema"
import { FileReport } from "./judge.js"

/** Sources that have changed since the last request. */
const changed = Schema.Array(Schema.String)

/** What the process of a scratch copy is asked for. */
export const Request = Schema.Union(
  Schema.TaggedStruct("Tests", {
    files: Schema.Array(Schema.String),
    /** Of the full names of the tests to run. */
    pattern: Schema.String,
    changed
  }),
  Schema.TaggedStruct("Seeds", {
    from: Schema.Int,
    to: Schema.Int,
    /** Seeds that are left out. */
    except: Schema.Array(Schema.Int),
    changed
  })
)
export type Request = typeof Request.Type

/** What simulation has found, if anything. */
export const SeedFound = Schema.Struct({ seed: Schema.Int, finding: Schema.String })

export const Answer = Schema.Union(
  Schema.TaggedStruct("Ready", {}),
  Schema.TaggedStruct("Ran", { reports: Schema.Array(FileReport) }),
  Schema.TaggedStruct("Searched", { found: Schema.optional(SeedFound) }),
  Schema.TaggedStruct("Broken", { why: Schema.String })
)
export type Answer = typeof Answer.Type
