import { checkEffects } from "./checkEffects.js"
import { checkOffsets } from "./checkOffsets.js"
import type { Finding, History, Observation } from "./History.js"
import { found, partsOf, placeName } from "./parts.js"
import { placeByContent } from "./placeByContent.js"

// The model: a partition's log is a sequence of records, of which each that is promised has one effect, a row or a dead
// letter; effects come in the order of the log; the stored offset is moved by one owner at a time, from where it was,
// and in the transactions that make the effects. These are the checks of Jepsen's queues (lost write, duplicate, aborted
// read, non-monotonic poll), of a consumer whose effects are rows.
//
// What the checks assume of a history:
// - It is read when everything rests, at least when nobody writes: rows, letters and offsets of one moment.
// - A row is a record (insert mode). Where later records change the rows of earlier ones (upsert), the history lists the
//   records that are the last of their keys, others as `rowless`, and no `seq`.
// - What retention has taken from the log cannot be missed nor compared: rows below `low` are checked for repeats, order
//   and their offset alone. That the program stops instead of skipping such records is seen only where the history has
//   kept what retention has taken, as that of the simulation does.
// - A reset takes what lies at or beyond it: a fail-over that loses transactions loses rows, letters and offsets
//   together. What was written again later counts as written once; the owner is the one that the row then names, so that
//   an owner of before is fenced if it is another, and lawful if it is that one.
// - Without moves the stored offset is believed as it stands; without `effects` rows are tied to it by position alone.

const contradiction = (one: Observation): Finding | undefined => {
  switch (one.kind) {
    case "queue":
      return one.held <= one.bound ? undefined : {
        kind: "queue bound exceeded",
        what: `${one.process}: ${one.held} records held, at most ${one.bound} promised`
      }
    case "drain":
      return one.ms <= one.deadlineMs ? undefined : {
        kind: "drain deadline missed",
        what: `${one.process}: ended after ${one.ms} ms, at most ${one.deadlineMs} promised`
      }
    case "leak":
      return one.count <= 0 ? undefined : { kind: "leak", what: `${one.process}: ${one.count} of ${one.what} left` }
    case "unowned":
      return one.ms <= one.allowedMs ? undefined : {
        kind: "partition owned by nobody",
        what: `${placeName(one.place)}: for ${one.ms} ms, at most ${one.allowedMs} allowed`
      }
    case "lag":
      return one.lag <= 0n ? undefined : {
        kind: "lag never reached zero",
        what: `${placeName(one.place)}: ${one.lag} records, ${one.afterMs} ms after the last fault`
      }
    case "crash":
      return { kind: "crash", what: `${one.process}: ${one.what}` }
  }
}

/** All that a run has left which contradicts the promise; empty: nothing does. Linear, but for sorting what is unsorted. */
export const check = (history: History): ReadonlyArray<Finding> => {
  const { missing, placed } = placeByContent(history)
  return [
    ...found("lost", "somewhere", missing, ({ content, topic }) => `${content} of ${topic}`),
    ...partsOf(placed).flatMap((part) => [...checkEffects(part), ...checkOffsets(part)]),
    ...history.observations.flatMap((one) => contradiction(one) ?? [])
  ]
}

/** How much a history holds: a verdict over nothing is none. */
export const sizeOf = ({ letters, logs, moves, observations, rows }: History) => ({
  partitions: logs.length,
  records: logs.reduce((sum, log) => sum + log.records.length, 0),
  abortedRecords: logs.reduce((sum, log) => sum + log.aborted.length, 0),
  rows: rows.length,
  letters: letters.length,
  moves: moves.length,
  acquisitions: new Set(moves.map((move) => `${placeName(move)} ${move.generation} ${move.owner}`)).size,
  observations: observations.length
})
