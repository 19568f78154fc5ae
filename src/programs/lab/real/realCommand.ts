import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Globals } from "../../argv.js"
import { CommandError, ExitCode } from "../../exitCodes.js"
import { printData } from "../../report.js"
import type { Experiment } from "../experiment.js"
import { experiments } from "../experiments.js"
import { experimentJson, experimentOf, verdict } from "../labCommand.js"
import { type ExperimentResult, experimentText } from "../labReport.js"
import { leftOut, realExperiments, runReal } from "./realExperiments.js"
import type { RealOptions, RealServices } from "./RealWorld.js"

export interface RealRequest {
  /** Of the experiment, or `all`. */
  readonly name: string
  readonly repeat: number
}

interface Printing {
  readonly output: Globals["output"]
}

type Outcome = Effect.Effect<ExitCode, CommandError, RealServices>

/** The delivery lab on real brokers, with real processes and signals. Its topics are left in Kafka. */
export const realCommand = ({ name, repeat }: RealRequest, options: RealOptions, printing: Printing): Outcome =>
  name === "all" ? runAll(repeat, options, printing) : runOne(name, repeat, options, printing)

const runOne = (name: string, repeat: number, options: RealOptions, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const result = yield* runExperiment(yield* experimentOf(name), repeat, options)
    yield* printData(output, { table: () => experimentText(result), json: () => experimentJson(result) })
    return yield* verdict([result])
  })

/** Every experiment that can be run, each told as soon as it is done. */
const runAll = (repeat: number, options: RealOptions, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const without = leftOut(options)
    const possible = experiments.filter(({ name }) => !Object.hasOwn(without, name))
    const results = yield* Effect.forEach(possible, (experiment) =>
      Effect.tap(
        runExperiment(experiment, repeat, options),
        (result) => output === "table" ? Console.log(`${experimentText(result)}\n`) : Effect.void
      ))
    yield* printData(output, {
      table: () => Object.entries(without).map(([name, why]) => `${name} is left out: ${why}`).join("\n"),
      json: () => ({ experiments: results.map(experimentJson), leftOut: without })
    })
    return yield* verdict(results)
  })

const runExperiment = (
  { name, title, why: reason }: Experiment,
  repeat: number,
  options: RealOptions
): Effect.Effect<ExperimentResult, CommandError, RealServices> =>
  Effect.gen(function*() {
    const cases = realExperiments[name]
    const why = leftOut(options)[name]
    if (cases === undefined || why !== undefined) {
      return yield* new CommandError({
        code: "TRB-1100",
        exit: ExitCode.usage,
        what: `${name} cannot be run on real servers`,
        ...(why === undefined ? {} : { why }),
        cure: `simulated it can: tributary lab run ${name}`
      })
    }
    const results = yield* runReal(cases, repeat, options)
    return { name, title: `${title} (on real brokers, times × ${options.scale})`, why: reason, cases: results }
  })
