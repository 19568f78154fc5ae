import { type Found, isCaught } from "./found.js"
import type { Mutation } from "./Mutation.js"

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

const bySimulation = ({ because }: Mutation, { simulation }: Found): string | undefined => {
  const why = because === undefined ? "" : `: ${because}`
  if (simulation === undefined) return because === undefined ? undefined : `simulation was not asked${why}`
  return simulation.seed === undefined
    ? `not by ${simulation.runs} seeds of simulation${why}`
    : `by simulation, at seed ${simulation.seed} from 1 on (${(simulation.finding ?? "").split(":")[0] ?? ""})`
}

const caughtBy = (mutation: Mutation, found: Found): string => {
  const simulated = bySimulation(mutation, found)
  const tested = found.test === undefined ? undefined : `by its test, after ${found.test.seconds} s`
  const parts = [simulated, tested].flatMap((part) => part === undefined ? [] : [part])
  if (isCaught(found)) return parts.join("; ")
  return found.missed === undefined ? "not tried yet" : "**nothing**"
}

const entry = (mutation: Mutation, found: Found): string =>
  `### ${mutation.mechanism}

- Promise: ${mutation.promise}
- Mechanism: \`${mutation.id}\`, ${codeOf(mutation)}
- Test: ${testsOf(mutation)}
- Without it, caught: ${caughtBy(mutation, found)}
`

const headOf = (section: number | undefined): string => {
  if (section === undefined) return "## Other programs"
  const title = sections.get(section) ?? ""
  return `## ${section}. ${title}\n\n[Protocol, section ${section}](protocol.md#${section}-${anchorOf(title)})`
}

const intro = (all: ReadonlyArray<Mutation>, caught: number): string =>
  `<!-- dprint-ignore-file -->
<!-- Written by npm run docs:guarantees from proof/mutation and proof/results/mutation.json. -->

# Guarantees

What each promise rests on: the mechanism, the test that fails without it, and who noticed when it was taken out.
\`npm run mutation\` takes out one mechanism at a time in a copy of the tree and runs simulation and tests until one
fails for the right reason; [proof/mutation/list](../proof/mutation/list) holds the edits. The removal of
${caught} of ${all.length} mechanisms was noticed.

Where simulation has not noticed, or was not asked, the reason that is given is what we expect to make good for the
mechanism that is missing; it is an argument, not a measurement. Where nothing is said of simulation, the part is not in
it: the Kafka client, values and tables, the other programs.
`

/** docs/guarantees.md. */
export const guaranteesPage = (
  mutations: ReadonlyArray<Mutation>,
  found: Readonly<Record<string, Found>>
): string => {
  const of = ({ id }: Mutation): Found => found[id] ?? {}
  const numbers = [...new Set(mutations.map(({ section }) => section))]
  const parts = numbers.flatMap((section) => [
    headOf(section),
    ...mutations.filter((mutation) => mutation.section === section).map((mutation) => entry(mutation, of(mutation)))
  ])
  return `${intro(mutations, mutations.filter((mutation) => isCaught(of(mutation))).length)}\n${
    parts.join("\n\n").replaceAll(/\n{3,}/gu, "\n\n")
  }`
}
