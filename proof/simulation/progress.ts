import * as Schema from "effect/Schema"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Batch } from "./batch.js"
import { added } from "./tally.js"

const Failed = Schema.Struct({ seed: Schema.Int, findings: Schema.Array(Schema.String) })

/** Where a long run stands. */
const Progress = Schema.Struct({
  commit: Schema.String,
  startedAt: Schema.String,
  seed: Schema.Int,
  runs: Schema.Int,
  seconds: Schema.Number,
  /** First seeds of the batches that are done. */
  done: Schema.Array(Schema.Int),
  ran: Schema.Int,
  numbers: Schema.Record({ key: Schema.String, value: Schema.Number }),
  failed: Schema.Array(Failed)
})
export type Progress = typeof Progress.Type

const decode = Schema.decodeUnknownSync(Schema.parseJson(Progress))

/** Of the same seeds and the same sources; anything else is not this run. */
export const readProgress = (
  file: string,
  wanted: Pick<Progress, "commit" | "seed" | "runs">
): Progress | undefined => {
  if (!existsSync(file)) return undefined
  const found = decode(readFileSync(file, "utf8"))
  const isSame = found.commit === wanted.commit && found.seed === wanted.seed && found.runs === wanted.runs
  return isSame ? found : undefined
}

/** As a whole or not at all: it may be killed at any time. */
export const writeProgress = (file: string, progress: Progress): void => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(progress))
  renameSync(`${file}.new`, file)
}

export const removeProgress = (file: string): void => rmSync(file, { force: true })

export const withBatch = (progress: Progress, batch: Batch, seconds: number): Progress => ({
  ...progress,
  seconds,
  done: [...progress.done, batch.from],
  ran: progress.ran + batch.runs,
  numbers: added(progress.numbers, batch.numbers),
  failed: [...progress.failed, ...batch.failed]
})
