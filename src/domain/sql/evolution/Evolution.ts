/** What keeps a table from taking the records, and what puts it right. */
export interface Difference {
  readonly what: string
  /** Statements, each ended by a semicolon, or a sentence. */
  readonly cure: string
  /** The setting with which Tributary would run the cure itself. */
  readonly allow?: string
}

/**
 * What an ALTER costs. `instant`, `inplace`: the catalog alone changes. `rebuild`: every row is written again, while
 * readers and writers go on. `copy`: the same, and writers wait.
 */
export type DdlCost = "instant" | "inplace" | "rebuild" | "copy"

export interface DdlStep {
  readonly kind: "create" | "add" | "relax" | "widen"
  /** Without a semicolon. An ALTER says its ALGORITHM, so that the server refuses what would cost more. */
  readonly sql: string
  /** What may be tried, in this order, where the server refuses the algorithm. */
  readonly fallbacks: ReadonlyArray<string>
  /** One sentence for each change in it. */
  readonly why: ReadonlyArray<string>
  readonly cost: DdlCost
}

/** The way from a table as it is to one that takes a plan's rows. */
export interface Evolution {
  /** In the order in which they are run. */
  readonly steps: ReadonlyArray<DdlStep>
  /** Where there are any, no step is run. */
  readonly refused: ReadonlyArray<Difference>
  /** What a person may want to know and nobody has to change. */
  readonly notes: ReadonlyArray<string>
  /** Names of the plan's columns to which nothing is written. */
  readonly ignored: ReadonlySet<string>
}

/** Differences as one refusal. Each has its own cure, under its number: a setting may cure one and no other. */
export const refusalOf = (refused: ReadonlyArray<Difference>): { readonly what: string; readonly cure: string } => {
  const numbered = (text: string, index: number): string => refused.length === 1 ? text : `(${index + 1}) ${text}`
  const cures = refused.map(({ allow, cure }) => allow === undefined ? cure : `set ${allow}, or run: ${cure}`)
  return {
    what: refused.map(({ what }, index) => numbered(what, index)).join("; "),
    cure: cures.map(numbered).join(" ")
  }
}
