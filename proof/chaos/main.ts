/**
 * Chaos on real servers: several instances share the work of three brokers, a registry and MySQL, while faults that a
 * seed has drawn are done to all of them and to the ways between, and producers write on. Then the faults stop, all must
 * come to rest, and the checker reads everything that is left.
 *
 *   npm run chaos -- --minutes 10 --instances 3 [--seed N]
 */
import { ensureBuilt } from "../../test/e2e/support/build.js"
import { inRun } from "../support/inRun.js"
import { commitOf, saveResult } from "../support/results.js"
import { type Options, optionsOf, usage } from "./options.js"
import { runChaos } from "./run.js"

const run = async (options: Options): Promise<number> => {
  const { instances, minutes, seed } = options
  const command = `npm run chaos -- --minutes ${minutes} --instances ${instances} --seed ${seed}`
  const startedAt = new Date().toISOString()
  const since = performance.now()
  const commit = commitOf()
  console.log(`${command} [commit=${commit}]`)
  return inRun(async (stop) => {
    await ensureBuilt()
    const outcome = await runChaos(options, stop, console.log)
    if (outcome === undefined) return 130
    const { findings, measured } = outcome
    const texts = findings.map(({ kind, what }) => `${kind}: ${what}`)
    const seconds = Math.round((performance.now() - since) / 1000)
    console.log(JSON.stringify(measured, undefined, 2))
    for (const text of texts) console.log(text)
    const name = `chaos-${minutes}min-${instances}instances-seed${seed}`
    const file = saveResult({
      name,
      command,
      commit,
      startedAt,
      seconds,
      seed,
      findings: texts,
      measured
    })
    console.log(`${texts.length} findings in ${seconds} s: ${file}`)
    if (texts.length > 0) console.log(`again: ${command}`)
    return texts.length > 0 ? 1 : 0
  })
}

// The producers are kafkajs as it comes, whose requests now and then fail with nobody waiting; that must not end the run.
process.on("unhandledRejection", (reason) => console.log(`nobody has waited for this failure: ${String(reason)}`))

const options = optionsOf(process.argv.slice(2))
if (options === undefined) {
  console.error(usage)
  process.exitCode = 64
} else {
  process.exitCode = await run(options)
}
