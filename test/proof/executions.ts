import fc from "fast-check"
import type { History, LetterRow, OffsetMove, SourceLog, TargetRow } from "../../proof/checker/History.js"

// Correct executions of one partition, at random: a log of any mixture, owners that follow one another, batches of any
// length, each record a row or a letter, fail-overs that lose the last transactions, retention, an end before the end.

type Entry = "record" | "letter" | "aborted" | "marker" | "tombstone"
type Step =
  | { readonly kind: "acquire" }
  | { readonly kind: "write"; readonly count: number }
  | { readonly kind: "failOver"; readonly lost: number }

const entries: fc.Arbitrary<Array<Entry>> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant("record" as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("letter" as const, "aborted" as const, "marker" as const, "tombstone" as const)
    }
  ),
  { minLength: 4, maxLength: 40 }
)

const steps: fc.Arbitrary<Array<Step>> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant({ kind: "acquire" as const }) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }).map((count) => ({ kind: "write" as const, count })) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((lost) => ({ kind: "failOver" as const, lost })) }
  ),
  { minLength: 2, maxLength: 30 }
)

const place = { topic: "t", partition: 0 } as const

/** What a database holds after a commit; a fail-over goes back to one of them. */
interface State {
  readonly at: bigint
  readonly generation: bigint
  readonly owner: string
  readonly rows: ReadonlyArray<TargetRow>
  readonly letters: ReadonlyArray<LetterRow>
}

const logOf = (kinds: ReadonlyArray<Entry>, low: bigint): SourceLog => {
  const at = (...wanted: ReadonlyArray<Entry>) =>
    kinds.flatMap((kind, index) => wanted.includes(kind) && BigInt(index) >= low ? [BigInt(index)] : [])
  const rowless = new Set(at("tombstone"))
  return {
    ...place,
    low,
    end: BigInt(kinds.length),
    records: at("record", "letter", "tombstone").map((offset) => ({
      offset,
      content: `r${offset}`,
      ...(rowless.has(offset) ? { rowless: true as const } : {})
    })),
    aborted: at("aborted")
  }
}

/** Runs the steps as a correct program would. */
const execute = (kinds: ReadonlyArray<Entry>, todo: ReadonlyArray<Step>, taken: number): History => {
  const moves: Array<OffsetMove> = []
  const states: Array<State> = [{ at: 0n, generation: 1n, owner: "owner0", rows: [], letters: [] }]
  let seq = 0
  const move = (over: Pick<OffsetMove, "from" | "to" | "generation" | "owner"> & Partial<OffsetMove>) =>
    void moves.push({ ...place, seq: moves.length, effects: [], writer: over.owner, ...over })
  move({ from: undefined, to: 0n, generation: 1n, owner: "owner0" })
  for (const step of todo) {
    const state = states.at(-1)
    if (state === undefined) break
    if (step.kind === "acquire") {
      const next = { ...state, generation: state.generation + 1n, owner: `owner${moves.length}` }
      move({ from: state.at, to: state.at, generation: next.generation, owner: next.owner })
      states.push(next)
    } else if (step.kind === "failOver") {
      states.splice(Math.max(1, states.length - step.lost))
      const { at, generation, owner } = states.at(-1) ?? state
      move({ from: state.at, to: at, generation, owner, reset: true })
    } else {
      const from = Number(state.at)
      const to = Math.min(kinds.length, from + step.count)
      if (to === from) continue
      const of = (wanted: Entry) =>
        kinds.slice(from, to).flatMap((kind, index) => kind === wanted ? [BigInt(from + index)] : [])
      const rows = of("record").map((offset) => ({ ...place, offset, content: `r${offset}`, seq: seq++ }))
      const letters = of("letter").map((offset) => ({ ...place, offset }))
      const effects = [...rows, ...letters].map(({ offset }) => offset)
      move({ from: state.at, to: BigInt(to), generation: state.generation, owner: state.owner, effects })
      states.push({ ...state, at: BigInt(to), rows: [...state.rows, ...rows], letters: [...state.letters, ...letters] })
    }
  }
  const { at, letters, rows } = states.at(-1) ?? { at: 0n, letters: [], rows: [] }
  const low = BigInt(Math.min(taken, Number(at)))
  return { logs: [logOf(kinds, low)], rows, letters, moves, stored: [{ ...place, offset: at }], observations: [] }
}

/** Retention takes at most what was written. */
export const executions: fc.Arbitrary<History> = fc
  .tuple(entries, steps, fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 })))
  .map(([kinds, todo, taken]) => execute(kinds, todo, taken))
