import { table } from "../table.js"
import type { Experiment } from "./experiment.js"
import type { CaseResult } from "./runCases.js"

/** An experiment and what has come of it. */
export interface ExperimentResult extends Pick<Experiment, "name" | "title" | "why"> {
  readonly cases: ReadonlyArray<CaseResult>
}

/** A column of the matrix. */
export interface FaultResult {
  readonly name: string
  readonly cases: ReadonlyArray<CaseResult>
}

export const experimentText = ({ cases, name, title, why }: ExperimentResult): string =>
  [
    `${name}: ${title}`,
    "",
    deliveryTable(cases),
    "",
    ...cases.flatMap(({ first, strategy }) => first.notes.map((note) => `  ${strategy}: ${note}`)),
    ...(cases.some(({ first }) => first.notes.length > 0) ? [""] : []),
    wrapped(why)
  ].join("\n")

const deliveryTable = (cases: ReadonlyArray<CaseResult>): string =>
  table(
    [
      { head: "STRATEGY" },
      { head: "RUNS", align: "right" },
      { head: "PRODUCED", align: "right" },
      { head: "PROCESSED", align: "right" },
      { head: "LOST", align: "right" },
      { head: "REPEATED", align: "right" },
      { head: "OUT OF ORDER", align: "right" },
      { head: "DELIVERY" }
    ],
    cases.map(({ guarantee, runs, shows, strategy, totals }) => [
      strategy,
      String(runs),
      ...[totals.produced, totals.processed, totals.lost, totals.repeated, totals.outOfOrder].map(String),
      guarantee === shows ? guarantee : `${guarantee} (expected: ${shows})`
    ])
  )

/** Strategies down, faults across; each cell tells lost and repeated records of all runs. */
export const matrixText = (faults: ReadonlyArray<FaultResult>): string => {
  const strategies = faults[0]?.cases.map(({ strategy }) => strategy) ?? []
  const runs = faults[0]?.cases[0]?.runs ?? 0
  const rows = strategies.map((strategy, index) => [
    strategy,
    ...faults.map(({ cases }) => {
      const { totals } = cases[index] ?? { totals: { lost: 0, repeated: 0 } }
      return totals.lost + totals.repeated === 0 ? "-" : `${totals.lost} lost, ${totals.repeated} repeated`
    })
  ])
  const produced = faults[0]?.cases[0]?.totals.produced ?? 0
  return [
    `Strategy against fault: ${runs} runs of each, ${produced} records in all; -: each record once.`,
    "",
    table([{ head: "STRATEGY" }, ...faults.map(({ name }) => ({ head: name }))], rows)
  ].join("\n")
}

/** What differs from what the lab teaches; empty when everything came out as it should. */
export const surprises = (results: ReadonlyArray<Pick<ExperimentResult, "name" | "cases">>): ReadonlyArray<string> =>
  results.flatMap(({ cases, name }) =>
    cases.filter(({ guarantee, shows }) => guarantee !== shows).map(({ guarantee, shows, strategy }) =>
      `${name}, ${strategy}: ${guarantee}, expected ${shows}`
    )
  )

const wrapped = (text: string, width = 110): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > width) {
      lines.push(line)
      line = ""
    }
    line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].join("\n")
}
