import * as Effect from "effect/Effect"
import type { DeadLetter } from "../../domain/DeadLetter.js"

/** Offsets that are named for one reason; the table of letters has them all. */
const offsetsNamed = 5
/** Reasons that are told of in one line. */
const reasonsNamed = 5

/** One line for the letters of one batch, those of the same reason together. Never says what a record holds. */
export const lettersLine = (letters: ReadonlyArray<DeadLetter>): string => {
  const [first] = letters
  if (first === undefined) return ""
  const byReason = new Map<string, Array<bigint>>()
  for (const { error, record } of letters) {
    const details = [
      ...(error.code === 0 ? [] : [`errno=${error.code}`]),
      ...(error.column === undefined ? [] : [`column=${error.column}`])
    ]
    const place = details.length === 0 ? "" : ` [${details.join(" ")}]`
    const reason = `${error.class}${place}: ${error.message}`
    const offsets = byReason.get(reason) ?? []
    byReason.set(reason, [...offsets, record.offset])
  }
  const told = [...byReason].slice(0, reasonsNamed).map(([reason, offsets]) => {
    const named = offsets.slice(0, offsetsNamed).map((offset) => `${first.topic}-${first.partition}@${offset}`).join(
      ", "
    )
    return `${named}${offsets.length > offsetsNamed ? ` and ${offsets.length - offsetsNamed} more` : ""} ${reason}`
  })
  const untold = byReason.size > reasonsNamed ? `; and ${byReason.size - reasonsNamed} more reasons` : ""
  return `${letters.length} dead letter${letters.length === 1 ? "" : "s"}: ${told.join("; ")}${untold}`
}

export const sayLetters = (letters: ReadonlyArray<DeadLetter>): Effect.Effect<void> =>
  letters.length === 0 ? Effect.void : Effect.logWarning(lettersLine(letters))
