import * as Exit from "effect/Exit"
import type { Globals } from "../argv.js"
import type { SettledBatch } from "./accumulator.js"

/** As the Java client writes the place of a record that nobody has acknowledged. */
const unknownOffset = -1n

/** `topic-partition@offset` of each record, a line each; with `-o json` an object each. Empty for a batch that failed. */
export const placesOf = <E>(output: Globals["output"], batch: SettledBatch<E>): ReadonlyArray<string> => {
  if (Exit.isFailure(batch.outcome)) return []
  const { topic } = batch
  return batch.outcome.value.flatMap(({ baseOffset, count, partition }) =>
    Array.from({ length: count }, (_, index) => {
      const offset = baseOffset === undefined ? unknownOffset : baseOffset + BigInt(index)
      return output === "json"
        ? `{"topic":"${topic}","partition":${partition},"offset":${offset}}`
        : `${topic}-${partition}@${offset}`
    })
  )
}
