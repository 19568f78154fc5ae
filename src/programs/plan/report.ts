import * as Either from "effect/Either"
import type { DdlCost, DdlStep, Difference } from "../../domain/sql/evolution/Evolution.js"
import type { TableState } from "../../layers/Catalog.js"
import { optionsText, type PlanOptions } from "./PlanOptions.js"
import type { TopicPlan } from "./sources.js"

/** A topic's table, as it is and as it should be. */
export interface TopicState {
  readonly plan: TopicPlan
  readonly state: TableState
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const

const sizeText = (bytes: number): string => {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

const tableSize = ({ size }: TableState): string =>
  size === undefined ? "not there yet" : `${size.rows} rows, ${sizeText(size.bytes)}`

const costText = (cost: DdlCost, state: TableState): string => {
  switch (cost) {
    case "instant":
      return "Instant."
    case "inplace":
      return "In place: no row is touched."
    case "rebuild":
      return `Rebuilds the table, writers go on: ${tableSize(state)}.`
    case "copy":
      return `Copies the table, writers wait: ${tableSize(state)}.`
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const marks = { create: "+", add: "+", relax: "~", widen: "~" } as const

const commentsOf = (step: DdlStep, state: TableState): ReadonlyArray<string> =>
  step.why.map((why, index) =>
    `-- ${capital(why)}.${index === step.why.length - 1 ? ` ${costText(step.cost, state)}` : ""}`
  )

const flags: Readonly<Record<string, string>> = {
  "schema.evolution=widen": "--allow-widen",
  "schema.evolution.allow.copy=true": "--allow-copy"
}

const refusedLines = ({ allow, cure, what }: Difference): ReadonlyArray<string> => {
  const flag = allow === undefined ? undefined : flags[allow] ?? allow
  return [`! ${capital(what)}.${flag === undefined ? "" : ` Needs ${flag}.`}`, `  cure: ${cure}`]
}

const notesOf = ({ ignored, notes }: TableState): ReadonlyArray<string> => [
  ...(ignored.size === 0 ? [] : [`not written, because schema.evolution is none: ${[...ignored].join(", ")}`]),
  ...notes
]

/** What the mapping would warn about at the start. */
const warningsOf = ({ planned }: TopicPlan): ReadonlyArray<string> => Either.isRight(planned) ? planned.right.notes : []

const topicLines = ({ plan, state }: TopicState): ReadonlyArray<string> => [
  `${plan.topic}: ${plan.source} against table ${plan.table} (${
    Either.isLeft(plan.planned) ? "not looked at" : tableSize(state)
  })`,
  ...state.steps.flatMap((step) => [...commentsOf(step, state), `${marks[step.kind]} ${step.sql};`]),
  ...state.refused.flatMap(refusedLines),
  ...warningsOf(plan).map((note) => `! ${capital(note)}.`),
  ...notesOf(state).map((note) => `-- Note: ${note}.`)
]

export const countOf = (states: ReadonlyArray<TopicState>) => {
  const steps = states.flatMap(({ state }) => state.steps)
  const sum = (of: (state: TableState) => number) => states.reduce((total, { state }) => total + of(state), 0)
  return {
    create: steps.filter(({ kind }) => kind === "create").length,
    add: steps.filter(({ kind }) => kind === "add").length,
    relax: steps.filter(({ kind }) => kind === "relax").length,
    widen: steps.filter(({ kind }) => kind === "widen").length,
    refused: sum(({ refused }) => refused.length),
    notes: sum((state) => notesOf(state).length)
      + states.reduce((total, { plan }) => total + warningsOf(plan).length, 0)
  }
}

/** For people: every statement with its reason and its cost, and the command that runs them. */
export const planText = (states: ReadonlyArray<TopicState>, options: PlanOptions): string => {
  const counts = countOf(states)
  const steps = states.flatMap(({ state }) => state.steps)
  const summary = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join(", ")
  const end = steps.length === 0 && counts.refused === 0
    ? "Nothing is left to do."
    : counts.refused > 0
    ? "Nothing was changed, and nothing will be before what is refused is settled."
    : `Nothing was changed. Apply: tributary apply${optionsText(options)} --yes`
  return [...states.flatMap(topicLines), `Plan: ${summary}. ${end}`].join("\n")
}

/** The statements, ready for a MySQL client; everything else is a comment. */
export const planSql = (states: ReadonlyArray<TopicState>): string =>
  states.flatMap(({ plan, state }) => [
    `-- ${plan.topic}: ${plan.source} against table ${plan.table}`,
    ...state.steps.flatMap((step) => [...commentsOf(step, state), `${step.sql};`]),
    ...state.refused.flatMap(refusedLines).map((line) => `-- ${line}`),
    ...warningsOf(plan).map((note) => `-- ! ${capital(note)}.`)
  ]).join("\n")

export const planJson = (states: ReadonlyArray<TopicState>): unknown => ({
  tables: states.map(({ plan, state }) => ({
    topic: plan.topic,
    source: plan.source,
    schemaId: plan.schemaId ?? null,
    version: plan.version ?? null,
    table: plan.table,
    size: state.size ?? null,
    steps: state.steps.map(({ cost, kind, sql, why }) => ({ kind, cost, sql, why })),
    refused: state.refused,
    notes: [...warningsOf(plan), ...state.notes],
    ignored: [...state.ignored]
  })),
  summary: countOf(states)
})
