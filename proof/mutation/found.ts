import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Mutation } from "./Mutation.js"

const shown = {
  fingerprint: Schema.String,
  /** The sources on which it was shown; `+`: with changes that are not in it. */
  commit: Schema.String,
  /** ISO 8601, UTC. */
  at: Schema.String
}
const BySimulation = Schema.Struct({
  ...shown,
  /** Seeds from 1 on that were tried. */
  runs: Schema.Int,
  /** The first with a finding, where the search has ended. */
  seed: Schema.optional(Schema.Int),
  seconds: Schema.Number,
  finding: Schema.optional(Schema.String)
})
const ByTest = Schema.Struct({
  ...shown,
  file: Schema.String,
  test: Schema.String,
  seconds: Schema.Number,
  message: Schema.String
})

/** What is known of one mutation. What was not tried, or tried on other sources, is absent. */
export const Found = Schema.Struct({
  simulation: Schema.optional(BySimulation),
  test: Schema.optional(ByTest),
  /** Tests that have run and noticed nothing, or could not answer. */
  missed: Schema.optional(Schema.Array(Schema.String))
})
export type Found = typeof Found.Type
export type Shown = Pick<typeof ByTest.Type, "commit" | "at">

const Measured = Schema.Struct({ mutations: Schema.Record({ key: Schema.String, value: Found }) })
const Stored = Schema.parseJson(Schema.Struct({ measured: Measured }))

/** By mutation; empty where nothing has been run. */
export const readFound = (file: string): Readonly<Record<string, Found>> =>
  existsSync(file) ? Schema.decodeUnknownSync(Stored)(readFileSync(file, "utf8")).measured.mutations : {}

export const isCaught = ({ simulation, test }: Found): boolean => simulation?.seed !== undefined || test !== undefined

/** What all of it took, in whichever run. */
export const secondsOf = (all: ReadonlyArray<Found>): number =>
  all.reduce((sum, { simulation, test }) => sum + (simulation?.seconds ?? 0) + (test?.seconds ?? 0), 0)

/** The oldest and the newest of what is known: each row was shown when its command last ran on it. */
export const shownFrom = (
  all: ReadonlyArray<Found>
): { readonly first: Shown; readonly last: Shown } | undefined => {
  const some = all.flatMap(({ simulation, test }) => [simulation ?? [], test ?? []].flat())
    .toSorted((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0)
  const [first, last] = [some[0], some.at(-1)]
  return first === undefined || last === undefined ? undefined : { first, last }
}

/** The table of docs/guarantees.md in a few figures. */
export const sumsOf = (measured: unknown): Readonly<Record<string, number | string>> => {
  const { mutations } = Schema.decodeUnknownSync(Measured)(measured)
  const all = Object.values(mutations)
  const seeds = all.flatMap(({ simulation }) => simulation?.seed ?? [])
  const combinations = Object.keys(mutations).filter((id) => id.includes("+")).length
  const range = shownFrom(all)
  return {
    "mechanisms removed, one at a time": all.length - combinations,
    "removed with what makes good for them": combinations,
    "noticed": all.filter(isCaught).length,
    "noticed by a test": all.filter(({ test }) => test !== undefined).length,
    "simulation was asked": all.filter(({ simulation }) => simulation !== undefined).length,
    "noticed by simulation": seeds.length,
    "seeds that it took at most": Math.max(0, ...seeds),
    ...(range === undefined ? {} : { "shown at commits": `${range.first.commit} to ${range.last.commit}` })
  }
}

const hash = (parts: ReadonlyArray<string>): string => {
  const digest = createHash("sha256")
  for (const part of parts) digest.update(part).update("\0")
  return digest.digest("hex").slice(0, 12)
}

const textsBelow = (folder: string): ReadonlyArray<string> =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).toSorted()
      .map((name) => readFileSync(join(folder, name), "utf8"))
    : []

const own = (root: string, { edits }: Mutation): ReadonlyArray<string> => [
  JSON.stringify(edits),
  ...[...new Set(edits.map(({ file }) => file))].map((file) => readFileSync(join(root, file), "utf8"))
]

/** What a result rests on: as long as it is the same, the result holds. */
export const testFingerprint = (root: string, mutation: Mutation): string =>
  hash([
    ...own(root, mutation),
    ...mutation.tests.flatMap(({ file, test }) => [
      test,
      existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : ""
    ])
  ])

export const simulationFingerprint = (root: string, mutation: Mutation): string =>
  hash([
    ...own(root, mutation),
    ...textsBelow(join(root, "proof/simulation")),
    ...textsBelow(join(root, "proof/checker"))
  ])
