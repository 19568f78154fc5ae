import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Globals } from "../../argv.js"
import { CommandError, ExitCode } from "../../exitCodes.js"
import { printData } from "../../report.js"
import type { Experiment } from "../experiment.js"
import { experiments } from "../experiments.js"
import { experimentJson, experimentOf, verdict } from "../labCommand.js"
import { type ExperimentResult, experimentText } from "../labReport.js"
import { realExperiments, runReal, simulatedOnly } from "./realExperiments.js"
import type { RealOptions, RealServices } from "./RealWorld.js"

export interface RealRequest {
  /** Of the experiment, or `all`. */
  readonly name: string
  readonly repeat: number
}

/** The delivery lab on real brokers, with real processes and signals. Its topics are left in Kafka. */
export const realCommand = (
  { name, repeat }: RealRequest,
  options: RealOptions,
  { output }: { readonly output: Globals["output"] }
): Effect.Effect<ExitCode, CommandError, RealServices> =>
  Effect.gen(function*() {
    const chosen = name === "all" ? experiments.filter(canBeReal) : [yield* experimentOf(name)]
    const results = yield* Effect.forEach(chosen, (experiment) =>
      Effect.tap(
        runExperiment(experiment, repeat, options),
        (result) => output === "table" ? Console.log(`${experimentText(result)}\n`) : Effect.void
      ))
    if (output === "json") yield* printData(output, { table: () => "", json: () => results.map(experimentJson) })
    if (name === "all") yield* sayLeftOut
    return yield* verdict(results)
  })

const canBeReal = ({ name }: Experiment): boolean => Object.hasOwn(realExperiments, name)

const runExperiment = (
  { name, title, why }: Experiment,
  repeat: number,
  options: RealOptions
): Effect.Effect<ExperimentResult, CommandError, RealServices> =>
  Effect.gen(function*() {
    const cases = Object.hasOwn(realExperiments, name) ? realExperiments[name] : undefined
    if (cases === undefined) {
      return yield* new CommandError({
        code: "TRB-1100",
        exit: ExitCode.usage,
        what: `${name} cannot be run on real brokers`,
        why: simulatedOnly[name] ?? "it is simulated only",
        cure: `tributary lab run ${name}, without --real`
      })
    }
    const results = yield* runReal(cases, repeat, options)
    return { name, title: `${title} (on real brokers, times × ${options.scale})`, why, cases: results }
  })

const sayLeftOut = Effect.forEach(
  Object.entries(simulatedOnly),
  ([name, why]) => Console.error(`${name} is left out: ${why}`),
  { discard: true }
)
