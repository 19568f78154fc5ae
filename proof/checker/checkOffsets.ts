import type { Finding, FindingKind, OffsetMove } from "./History.js"
import { found, type Part } from "./parts.js"

/** How far a partition is, and who may move it. */
interface Holding {
  readonly at: bigint
  readonly generation: bigint
  readonly owner: string
  readonly writer: string | undefined
  /** The move before was a reset, which may have taken the row itself: it may be made anew. */
  readonly afterReset: boolean
}

interface Complaint {
  readonly kind: FindingKind
  readonly what: string
}

const moveName = ({ from, generation, owner, to, writer }: OffsetMove): string =>
  `${from ?? "none"} to ${to} by ${owner}, generation ${generation}${writer === undefined ? "" : ` of ${writer}`}`

/** Protocol, section 4: a move begins where the one before has ended, and none goes back. */
const chainComplaints = (move: OffsetMove, { afterReset, at }: Holding): ReadonlyArray<Complaint> => {
  const { from, to } = move
  if (from === undefined && afterReset) return []
  const begin = from ?? at
  const back = to < begin || begin < at
  const jumped = begin > at || (from === undefined && to > at)
  return [
    ...(back ? [{ kind: "stored offset went back" as const, what: `${moveName(move)} where it was ${at}` }] : []),
    ...(jumped ? [{ kind: "stored offset jumped" as const, what: `${moveName(move)} where it was ${at}` }] : [])
  ]
}

/** Protocol, section 3: an acquisition reads the offset and leaves it. */
const acquisitionComplaints = (move: OffsetMove): ReadonlyArray<Complaint> =>
  move.from !== undefined && move.to > move.from
    ? [{ kind: "stored offset jumped", what: `${moveName(move)}, in an acquisition` }]
    : []

/** Protocol, section 5: who has been replaced matches nothing. By claim; and by process, which no claim can hide. */
const ownerComplaints = (move: OffsetMove, holding: Holding): ReadonlyArray<Complaint> => {
  const { generation, owner, writer } = holding
  const replaced = move.generation !== generation || move.owner !== owner
    || (move.writer !== undefined && writer !== undefined && move.writer !== writer)
  if (!replaced) return []
  const by = `${owner}, generation ${generation}${writer === undefined ? "" : ` of ${writer}`}`
  return [{ kind: "effect by a fenced owner", what: `${moveName(move)} where ${by} had taken over` }]
}

const isAcquisition = (move: OffsetMove, before: Holding | undefined): boolean =>
  before === undefined || move.generation > before.generation || (before.afterReset && move.from === undefined)

const holdingAfter = (move: OffsetMove, before: Holding | undefined): Holding =>
  before === undefined || move.reset === true || isAcquisition(move, before)
    ? { ...move, at: move.to, writer: move.writer, afterReset: move.reset === true }
    : { ...before, at: move.to, afterReset: false }

const complaintsOf = (move: OffsetMove, before: Holding | undefined): ReadonlyArray<Complaint> => {
  if (move.reset === true) return []
  const chain = chainComplaints(
    move,
    before ?? { ...move, at: move.from ?? move.to, writer: undefined, afterReset: false }
  )
  if (before === undefined) return chain
  return [...chain, ...(isAcquisition(move, before) ? acquisitionComplaints(move) : ownerComplaints(move, before))]
}

/** What stands at the end is what the last move has left. */
const endComplaints = ({ log, moves, stored }: Part, end: Holding | undefined): ReadonlyArray<Complaint> => {
  const beyond = log !== undefined && stored !== undefined && stored > log.end
  return [
    ...(beyond
      ? [{ kind: "stored offset beyond the log" as const, what: `${stored}, the log ends at ${log.end}` }]
      : []),
    ...(end === undefined || moves.length === 0 || stored === end.at ? [] : [{
      kind: (stored ?? -1n) < end.at ? "stored offset went back" as const : "stored offset jumped" as const,
      what: `${stored ?? "no row"} at the end, where ${end.at} was the last that was committed`
    }])
  ]
}

/** What the history of a partition's stored offset contradicts. */
export const checkOffsets = (part: Part): ReadonlyArray<Finding> => {
  const complaints: Array<Complaint> = []
  let holding: Holding | undefined
  for (const move of part.moves) {
    complaints.push(...complaintsOf(move, holding))
    holding = holdingAfter(move, holding)
  }
  complaints.push(...endComplaints(part, holding))
  const kinds = new Set(complaints.map(({ kind }) => kind))
  return Array.from(kinds).flatMap((kind) =>
    found(kind, part.name, complaints.filter((one) => one.kind === kind), ({ what }) => what)
  )
}
