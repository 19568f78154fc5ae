import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { nearest } from "../../domain/nearest.js"
import type { Globals } from "../argv.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { printData } from "../report.js"
import { table } from "../table.js"
import type { Experiment } from "./experiment.js"
import { experiments } from "./experiments.js"
import { type ExperimentResult, experimentText, type FaultResult, matrixText, surprises } from "./labReport.js"
import { matrix, matrixSeeds } from "./matrix.js"
import { reportPage } from "./report/page.js"
import { type Repeat, runCase } from "./runCases.js"

export type LabRequest =
  | { readonly kind: "list" }
  | ({ readonly kind: "run"; readonly name: string } & Repeat)
  | ({ readonly kind: "report"; readonly file: string } & Repeat)

/** The delivery lab in virtual time: no server, the same result for the same seed. */
export const labCommand = (
  request: LabRequest,
  { output }: { readonly output: Globals["output"] }
): Effect.Effect<ExitCode, CommandError, FileSystem.FileSystem> => {
  switch (request.kind) {
    case "list":
      return Effect.as(printList(output), ExitCode.done)
    case "run":
      return request.name === "all" ? runAll(output, request) : runOne(output, request)
    case "report":
      return writeReport(request)
  }
}

const printList = (output: Globals["output"]): Effect.Effect<void> =>
  printData(output, {
    table: () =>
      table([{ head: "EXPERIMENT" }, { head: "WHAT IS DONE" }], experiments.map(({ name, title }) => [name, title])),
    json: () =>
      experiments.map(({ cases, name, title, why }) => ({
        name,
        title,
        why,
        strategies: cases.map(({ strategy }) => strategy)
      }))
  })

const runOne = (output: Globals["output"], { name, ...repeat }: Repeat & { readonly name: string }) =>
  Effect.gen(function*() {
    const result = yield* runExperiment(yield* experimentOf(name), repeat)
    yield* printData(output, { table: () => experimentText(result), json: () => experimentJson(result) })
    return yield* verdict([result])
  })

/** Every experiment, each as soon as it is done, and then the matrix. */
const runAll = (output: Globals["output"], repeat: Repeat) =>
  Effect.gen(function*() {
    const results = yield* Effect.forEach(experiments, (experiment) =>
      Effect.tap(
        runExperiment(experiment, repeat),
        (result) => output === "table" ? Console.log(`${experimentText(result)}\n`) : Effect.void
      ))
    const faults = yield* runMatrix(repeat)
    yield* printData(output, {
      table: () => matrixText(faults),
      json: () => ({ experiments: results.map(experimentJson), matrix: faults.map(faultJson) })
    })
    return yield* verdict([...results, ...faults])
  })

const writeReport = ({ file, ...repeat }: Repeat & { readonly file: string }) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const results = yield* Effect.forEach(experiments, (experiment) => runExperiment(experiment, repeat))
    const faults = yield* runMatrix(repeat)
    yield* fs.writeFileString(file, reportPage({ results, faults, ...repeat })).pipe(
      Effect.mapError((error) =>
        new CommandError({
          code: "TRB-1200",
          exit: ExitCode.cannotCreate,
          what: `cannot write ${file}`,
          why: error.message,
          cure: "name a file in a folder that exists and may be written to: tributary lab report FILE.html"
        })
      )
    )
    yield* Console.log(`wrote ${file}`)
    return yield* verdict([...results, ...faults])
  })

export const experimentOf = (name: string): Effect.Effect<Experiment, CommandError> => {
  const found = experiments.find((experiment) => experiment.name === name)
  if (found !== undefined) return Effect.succeed(found)
  const names = experiments.map((experiment) => experiment.name)
  const meant = nearest(name, names)
  return new CommandError({
    code: "TRB-1100",
    exit: ExitCode.usage,
    what: `there is no experiment ${name}`,
    cure: `${meant === undefined ? "" : `did you mean ${meant}? `}There are: all, ${names.join(", ")}`
  })
}

const runExperiment = ({ cases, name, title, why }: Experiment, repeat: Repeat): Effect.Effect<ExperimentResult> =>
  Effect.map(Effect.forEach(cases, (one) => runCase(one, repeat)), (results) => ({ name, title, why, cases: results }))

/** Never fewer runs than the matrix needs to show what it teaches. */
const runMatrix = ({ repeat, seed }: Repeat): Effect.Effect<ReadonlyArray<FaultResult>> =>
  Effect.forEach(matrix, ({ cases, name }) =>
    Effect.map(
      Effect.forEach(cases, (one) => runCase(one, { seed, repeat: Math.max(repeat, matrixSeeds) })),
      (results) => ({ name, cases: results })
    ))

/** The lab teaches by results that hold; one that does not is a fault of ours, or a discovery. */
export const verdict = (results: ReadonlyArray<Pick<ExperimentResult, "name" | "cases">>): Effect.Effect<ExitCode> => {
  const found = surprises(results)
  return found.length === 0
    ? Effect.succeed(ExitCode.done)
    : Effect.as(Console.error(["not what the lab teaches:", ...found].join("\n  - ")), ExitCode.different)
}

export const experimentJson = ({ cases, name, title, why }: ExperimentResult) => ({
  name,
  title,
  why,
  cases: cases.map(caseJson)
})
const faultJson = ({ cases, name }: FaultResult) => ({ fault: name, cases: cases.map(caseJson) })
const caseJson = ({ first, guarantee, runs, shows, strategy, totals }: ExperimentResult["cases"][number]) => ({
  strategy,
  runs,
  ...totals,
  delivery: guarantee,
  expected: shows,
  lostNumbers: first.delivery.lost,
  repeatedNumbers: first.delivery.repeated,
  notes: first.notes
})
