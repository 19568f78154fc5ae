import * as Schema from "effect/Schema"
import { runSeeds } from "./batch.js"

/** What the main process asks for. */
const Order = Schema.Struct({ from: Schema.Int, runs: Schema.Int })

// Failures are a part of every run, and nobody reads where in the code they came about: their stacks cost time.
Error.stackTraceLimit = 0

process.on("message", (message) => {
  const { from, runs } = Schema.decodeUnknownSync(Order)(message)
  process.send?.(runSeeds(from, runs))
})
