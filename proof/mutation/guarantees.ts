import { isAsked } from "./examine.js"
import { type Found, isCaught, type Shown, shownFrom } from "./found.js"
import type { Mutation } from "./Mutation.js"
import { togetherId } from "./mutations.js"

/** Titles of docs/protocol.md, by number. */
const sections: ReadonlyMap<number, string> = new Map([
  [1, "Tables"],
  [2, "Session"],
  [3, "Acquire"],
  [4, "Batches form a chain"],
  [5, "Write"],
  [6, "Unknown is not an acquisition"],
  [7, "Fenced"],
  [8, "Locks of a dead or frozen owner"],
  [9, "Membership"],
  [10, "DDL"],
  [11, "Errors, by code and phase"],
  [12, "Administrative writes"],
  [13, "Shutdown"]
])

const anchorOf = (title: string): string => title.toLowerCase().replaceAll(/[^a-z0-9 ]/gu, "").replaceAll(" ", "-")

/** Where a mechanism is, and the tests that need it. */
const codeOf = ({ edits }: Mutation): string =>
  [...new Set(edits.map(({ file }) => file))].map((file) => `[${file}](../${file})`).join(", ")

const testsOf = ({ tests }: Mutation): string =>
  tests.map(({ file, test }) => `[${file}](../${file}): ${test}`).join("; ")

const where = ({ commit }: Shown): string => `\`${commit.slice(0, 7)}${commit.endsWith("+") ? " and changes" : ""}\``

const kindOf = (finding = ""): string => finding.split(":")[0] ?? ""
const seeds = (count: number): string => count === 1 ? "1 seed" : `${count} seeds`

const bySimulation = (mutation: Mutation, { simulation }: Found): string | undefined => {
  if (simulation === undefined) {
    return isAsked(mutation) ? "simulation was not asked yet" : undefined
  }
  const { finding, runs, seed } = simulation
  return seed === undefined
    ? `not by ${seeds(runs)} of simulation (${where(simulation)})`
    : `by simulation, which took ${seeds(seed)} (${kindOf(finding)}; ${where(simulation)})`
}

const byTest = ({ test }: Found): string | undefined =>
  test === undefined ? undefined : `by its test, after ${test.seconds} s (${where(test)})`

const caughtBy = (mutation: Mutation, found: Found): string => {
  const parts = [bySimulation(mutation, found), byTest(found)].flatMap((part) => part === undefined ? [] : [part])
  if (isCaught(found)) return parts.join("; ")
  return found.missed === undefined ? "not tried yet" : "**nothing**"
}

/** What is to be said where simulation is not expected to see the removal. */
const whyOf = (mutation: Mutation, of: FoundOf): string => {
  const { because = "", simulated, together } = mutation
  switch (simulated) {
    case "finds":
      return ""
    case "seldom":
      return `- Few seeds bring about what it is for: ${because}\n`
    case "not in it":
      return because === "" ? "" : `- Simulation is not asked: ${because}\n`
    case "costs time":
      return `- No effect rests on it: ${because}\n`
    case "made good": {
      const names = (together?.ids ?? []).map((id) => `\`${id}\``).join(", ")
      return `- Made good by ${names}: ${because}. Without all of these, caught: ${
        caughtBy(mutation, of(togetherId(mutation)))
      }\n`
    }
  }
}

const entry = (mutation: Mutation, of: FoundOf): string =>
  `### ${mutation.mechanism}

- Promise: ${mutation.promise}
- Mechanism: \`${mutation.id}\`, ${codeOf(mutation)}
- Test: ${testsOf(mutation)}
- Without it, caught: ${caughtBy(mutation, of(mutation.id))}
${whyOf(mutation, of)}`

const headOf = (section: number | undefined): string => {
  if (section === undefined) return "## The Kafka client, the clock, the other programs"
  const title = sections.get(section) ?? ""
  return `## ${section}. ${title}\n\n[Protocol, section ${section}](protocol.md#${section}-${anchorOf(title)})`
}

const row = (id: string, { simulation }: Found): ReadonlyArray<string> => {
  if (simulation === undefined) return []
  const { finding, runs, seconds, seed } = simulation
  const took = seed === undefined ? ["none", String(runs), ""] : [String(seed), String(runs), kindOf(finding)]
  return [`| ${[`\`${id}\``, ...took, String(seconds), where(simulation)].join(" | ")} |`]
}

const simulationTable = (ids: ReadonlyArray<string>, of: FoundOf): string =>
  `## What simulation has noticed

Seeds are tried from 1 on until one has a finding; several names are removed together.

| removed | seeds it took | seeds tried | first finding | seconds | commit |
| --- | --- | --- | --- | --- | --- |
${ids.flatMap((id) => row(id, of(id))).join("\n")}
`

const intro = (all: ReadonlyArray<Mutation>, of: FoundOf, ids: ReadonlyArray<string>): string => {
  const caught = all.filter(({ id }) => isCaught(of(id))).length
  const range = shownFrom(ids.map(of))
  const asked = ids.filter((id) => of(id).simulation !== undefined)
  const took = asked.flatMap((id) => of(id).simulation?.seed ?? []).toSorted((a, b) => a - b)
  return `<!-- dprint-ignore-file -->
<!-- Written by npm run docs:guarantees from proof/mutation and proof/results/mutation.json. -->

# Guarantees

What each promise rests on: the mechanism, the test that fails without it, and who noticed when it was taken out.
\`npm run mutation\` takes out one mechanism at a time in a copy of the tree and runs simulation and tests until one
fails for the right reason; [proof/mutation/list](../proof/mutation/list) holds the edits. The removal of
${caught} of ${all.length} mechanisms was noticed.

Each row says at which commit that was shown${
    range === undefined
      ? ""
      : `,\nthe oldest at ${where(range.first)} (${range.first.at.slice(0, 16)} UTC), the newest at ${
        where(range.last)
      } (${range.last.at.slice(0, 16)} UTC)`
  }.
A run tries again only what has changed since, and replaces only those rows.

Simulation was asked about ${asked.length} and has noticed ${took.length}; it took ${took[0] ?? "no"} to ${
    took.at(-1) ?? "no"
  } seeds, half of them no more than ${took[(took.length - 1) >> 1] ?? "no"}. Where another
mechanism makes good for one that is missing, that is shown by taking out both. Where nothing is said of simulation, the
part is not in it: the Kafka client, values and tables, the other programs.
`
}

type FoundOf = (id: string) => Found

/** docs/guarantees.md. */
export const guaranteesPage = (all: ReadonlyArray<Mutation>, found: Readonly<Record<string, Found>>): string => {
  const of: FoundOf = (id) => found[id] ?? {}
  const ids = [
    ...new Set(all.flatMap((one) => one.together === undefined ? [one.id] : [one.id, togetherId(one)]))
  ]
  const numbers = [...new Set(all.map(({ section }) => section))]
  const parts = numbers.flatMap((section) => [
    headOf(section),
    ...all.filter((mutation) => mutation.section === section).map((mutation) => entry(mutation, of))
  ])
  return [intro(all, of, ids), simulationTable(ids, of), ...parts].join("\n\n")
    .replaceAll(/\n{3,}/gu, "\n\n")
}
