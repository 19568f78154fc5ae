import { Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { figures } from "./reportFigures.js"
import { type Proof, proofs } from "./reportProofs.js"
import { type Result, resultsFolder } from "./support/results.js"

// docs/reliability.md is made from the results that the proofs have left, and from what is said of each of them here. It
// claims nothing of its own: what has no result is said to be not run.

const Saved = Schema.Struct({
  name: Schema.String,
  command: Schema.String,
  commit: Schema.String,
  startedAt: Schema.String,
  seconds: Schema.Number,
  seed: Schema.optionalWith(Schema.Number, { exact: true }),
  findings: Schema.Array(Schema.String),
  measured: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})

const Bug = Schema.Struct({
  what: Schema.String,
  /** The seed or the command that showed it. */
  shownBy: Schema.String,
  /** The commit that mends it; none: it is still there. */
  mendedIn: Schema.optionalWith(Schema.String, { exact: true })
})
export type Bug = typeof Bug.Type

const bugsFile = "bugs.json"

/** What lies in the folder of results. A file that is no result is an error, not a result less. */
export const readResults = (folder = resultsFolder): ReadonlyArray<Result> =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== bugsFile)
    .toSorted()
    .map((file) => Schema.decodeUnknownSync(Schema.parseJson(Saved))(readFileSync(join(folder, file), "utf8")))

/** Undefined: nobody has written any down. */
export const readBugs = (folder = resultsFolder): ReadonlyArray<Bug> | undefined => {
  const file = join(folder, bugsFile)
  return existsSync(file)
    ? Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(Bug)))(readFileSync(file, "utf8"))
    : undefined
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")
const code = (text: string): string => `\`${text}\``
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

/** `chaos`, and `chaos-10min-3instances-seed7`: a proof may leave a result for each of its runs. */
const isOf = (proof: string) => ({ name }: Result): boolean => name === proof || name.startsWith(`${proof}-`)

const commitText = (commit: string): string =>
  commit.endsWith("+") ? `${code(commit.slice(0, -1))} and changes not in it` : code(commit)

const verdict = ({ findings }: Result): string => findings.length === 0 ? "none" : `**${findings.length}**`

const runRow = (title: string, result: Result): ReadonlyArray<string> => [
  title,
  commitText(result.commit),
  result.startedAt.slice(0, 10),
  result.seed === undefined ? "" : String(result.seed),
  String(result.seconds),
  verdict(result)
]

const runSection = (result: Result, shown: Proof["shown"] = (measured) => measured): string =>
  [
    `${code(result.command)}, ${result.startedAt}, commit ${commitText(result.commit)}, ${result.seconds} s`
    + `${result.seed === undefined ? "" : `, seed ${result.seed}`}.`,
    result.findings.length === 0
      ? "Findings: none."
      : `Findings:\n\n${result.findings.map((finding) => `- ${finding}`).join("\n")}`,
    ...figures(shown(result.measured))
  ].join("\n\n")

const notRun = (command: string): string => `Not run yet: ${code(command)} leaves a result.`

const bugsSection = (bugs: ReadonlyArray<Bug> | undefined): string =>
  bugs === undefined || bugs.length === 0
    ? "None is written down yet (`proof/results/bugs.json`)."
    : table(
      ["what", "shown by", "mended in"],
      bugs.map(({ mendedIn, shownBy, what }) => [
        what,
        code(shownBy),
        mendedIn === undefined ? "**not yet**" : code(mendedIn)
      ])
    )

/** The whole document. */
export const reliability = (results: ReadonlyArray<Result>, bugs: ReadonlyArray<Bug> | undefined): string => {
  const sections = proofs.map((proof) => ({ ...proof, runs: results.filter(isOf(proof.name)) }))
  const others = results.filter((result) => !proofs.some(({ name }) => isOf(name)(result)))
  const rows = sections.flatMap(({ name, runs }) =>
    runs.length === 0 ? [[name, "not run", "", "", "", ""]] : runs.map((run) => runRow(run.name, run))
  )
  return `<!-- dprint-ignore-file -->
<!-- Written by npm run docs:reliability from proof/results; what each proof is stands in proof/reportProofs.ts. -->

# Reliability

Tributary promises that each record becomes a row, or a dead letter, exactly once, and in order within its partition
([protocol](protocol.md)). This page says what has been done to break that promise, and what came of it. Every figure
was left by a command that anyone can repeat; what has not been run is said to be not run.

${
    table(["proof", "commit", "day (UTC)", "seed", "seconds", "findings"], [
      ...rows,
      ...others.map((run) => runRow(run.name, run))
    ])
  }

A finding is a contradiction to a promise. [The checker](../proof/checker/check.ts) looks for these in what a run has
left, simulated or on real servers: lost, repeated, out of order within a partition, wrong content, a row of no record,
the effect of an aborted transaction, an effect by a fenced owner, a stored offset that goes back, jumps or lies beyond
the log, a row or a dead letter without its offset, both of one record, a lag that never reaches zero, an exceeded queue
bound, a missed drain deadline, a leak, a partition owned by nobody, a crash. What it assumes stands at its head. Chaos
sees of queues what their back-pressure says, and looks for connections that outlive their process; fibers are looked into
by the simulation, and on real servers by the soak.

${
    [
      ...sections.map(({ about, command, picture, runs, shown, title }) => {
        const told = runs.length === 0 ? [notRun(command)] : runs.map((run) => runSection(run, shown))
        const drawn = runs.length === 0 || picture === undefined ? [] : [`![${title}](../proof/results/${picture})`]
        return [`## ${title}`, about, ...told, ...drawn].join("\n\n")
      }),
      ...others.map((run) => [`## ${run.name}`, runSection(run)].join("\n\n"))
    ].join("\n\n")
  }

## Bugs found on the way

${bugsSection(bugs)}

## What this does not show

Simulated servers do what we know of the real ones; the real servers of these runs share one machine and its clock. No
run shows the absence of errors: it shows that so many attempts of these kinds have not found one. What is not promised
at all is listed in the [protocol](protocol.md).
`
}
