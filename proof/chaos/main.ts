/**
 * Chaos on real servers: several instances share the work of three brokers, a registry and MySQL, while faults that a
 * seed has drawn are done to all of them and to the ways between, and producers write on. Then the faults stop, all must
 * come to rest, and the checker reads everything that is left.
 *
 *   npm run chaos -- --minutes 10 --instances 3 [--seed N]
 */
import { cpSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ensureBuilt } from "../../test/e2e/support/build.js"
import { inRun } from "../support/inRun.js"
import { commitOf, saveResult } from "../support/results.js"
import { type Options, optionsOf, usage } from "./options.js"
import { runChaos } from "./run.js"

const run = async (options: Options): Promise<number> => {
  const { instances, minutes, seed } = options
  const command = `npm run chaos -- --minutes ${minutes} --instances ${instances} --seed ${seed}`
  const startedAt = new Date()
  const commit = commitOf()
  const said: Array<string> = []
  const say = (line: string) => {
    said.push(line)
    console.log(line)
  }
  say(`${command} [commit=${commit}]`)
  return inRun(async (stop) => {
    await ensureBuilt()
    const { findings, measured } = await runChaos(options, stop, say)
    const texts = findings.map(({ kind, what }) => `${kind}: ${what}`)
    const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000)
    console.log(JSON.stringify(measured, undefined, 2))
    for (const text of texts) console.log(text)
    if (stop.aborted) return 130
    const name = `chaos-${minutes}min-${instances}instances-seed${seed}`
    const file = saveResult({ name, command, commit, startedAt: startedAt.toISOString(), seconds, seed, findings: texts, measured })
    console.log(`${texts.length} findings in ${seconds} s: ${file}`)
    return texts.length > 0 ? 1 : 0
  })
}

const options = optionsOf(process.argv.slice(2))
if (options === undefined) {
  console.error(usage)
  process.exitCode = 64
} else {
  process.exitCode = await run(options)
}
