/** A text that a file holds exactly once, and what takes its place. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A test that is to fail when the mechanism is gone. */
export interface TestCatcher {
  readonly project: "unit" | "integration"
  readonly file: string
  /** A part of its full name (with those of the groups around it). */
  readonly test: string
  /** Without the mechanism it waits for what never comes: only then a time-out counts as an answer. */
  readonly hangs?: true
}

/** Mechanisms that are removed together with another one. */
export interface Together {
  /** Their ids. */
  readonly ids: ReadonlyArray<string>
  /** Where simulation needs many seeds to see that all are gone, if it ever does. */
  readonly tests?: ReadonlyArray<TestCatcher>
}

/**
 * One mechanism, and the smallest edit that removes it. What the promise rests on is proved by removing it: simulation
 * or a test has to notice, for the right reason.
 */
export interface Mutation {
  /** Short, for `--only`. */
  readonly id: string
  readonly mechanism: string
  readonly promise: string
  /** Of docs/protocol.md; undefined: of none of them. */
  readonly section?: number
  readonly edits: ReadonlyArray<Edit>
  /**
   * What simulation is to make of it. `not in it`: the part that is removed, or what it is for, is not simulated.
   * `seldom`: it is, but only few seeds bring about what it is for. `made good`: other mechanisms, those of `together`, keep the promise without it. `costs time`: no promise about effects
   * rests on it; what is lost is time, memory or a line in the log, of which simulation sees nothing. A test sees each.
   */
  readonly simulated: "finds" | "seldom" | "not in it" | "made good" | "costs time"
  /** What makes good for its removal or is lost with it, or why it is not simulated, in words. */
  readonly because?: string
  /** What makes good for its removal: shown by removing these as well, which has to be noticed. */
  readonly together?: Together
  /** Cheapest first. */
  readonly tests: ReadonlyArray<TestCatcher>
}

export const unit = (file: string, test: string, hangs?: true): TestCatcher => ({
  project: "unit",
  file: `test/${file}.test.ts`,
  test,
  ...(hangs === undefined ? {} : { hangs })
})

/** On real servers. */
export const real = (file: string, test: string, hangs?: true): TestCatcher => ({
  ...unit(file, test, hangs),
  project: "integration"
})

/** The text with the edit's place changed; a text that is not found exactly once is an error that says so. */
export const applyEdit = (text: string, { file, find, replace }: Edit): string => {
  const first = text.indexOf(find)
  const found = first === -1 ? 0 : text.indexOf(find, first + 1) === -1 ? 1 : 2
  if (found !== 1) throw new Error(`${file} holds ${found === 0 ? "nowhere" : "more than once"}: ${find}`)
  return text.slice(0, first) + replace + text.slice(first + find.length)
}

/** All edits, file by file; several of one file apply one after the other. */
export const applyEdits = (
  read: (file: string) => string,
  edits: ReadonlyArray<Edit>
): ReadonlyMap<string, string> => {
  const texts = new Map<string, string>()
  for (const edit of edits) texts.set(edit.file, applyEdit(texts.get(edit.file) ?? read(edit.file), edit))
  return texts
}
