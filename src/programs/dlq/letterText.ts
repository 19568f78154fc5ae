import type { LetterSummary, StoredLetter } from "../../domain/StoredLetter.js"
import { table } from "../table.js"

const right = "right" as const
const columns = [
  { head: "ID", align: right },
  { head: "WHEN" },
  { head: "TOPIC:PART@OFFSET" },
  { head: "ERRNO", align: right },
  { head: "REASON" },
  { head: "TRIES", align: right },
  { head: "STATE" }
]

/** Characters of a reason that a table shows; `dlq show` has them all. */
const reasonMax = 100

export const placeOf = ({ offset, partition, topic }: LetterSummary): string => `${topic}:${partition}@${offset}`

export const stateOf = ({ replayedAt }: LetterSummary): "open" | "replayed" =>
  replayedAt === undefined ? "open" : "replayed"

/** On one line. Tributary's own messages leave the column out, the database's name it. */
export const reasonOf = ({ code, column, message }: LetterSummary["error"]): string => {
  const line = message.replaceAll(/\s+/gu, " ")
  return column === undefined || code !== 0 ? line : `${column}: ${line}`
}

const cut = (text: string): string => text.length > reasonMax ? `${text.slice(0, reasonMax - 1)}…` : text

/** To the second. */
const shortTime = (iso: string): string => `${iso.slice(0, 19)}Z`

export const lettersTable = (letters: ReadonlyArray<LetterSummary>): string =>
  table(
    columns,
    letters.map((letter) => [
      String(letter.id),
      shortTime(letter.createdAt),
      placeOf(letter),
      String(letter.error.code),
      cut(reasonOf(letter.error)),
      String(letter.attempts),
      stateOf(letter)
    ])
  )

export const letterJson = (letter: LetterSummary) => ({
  id: letter.id,
  topic: letter.topic,
  partition: letter.partition,
  offset: letter.offset,
  group: letter.group,
  sourceId: letter.sourceId,
  schemaId: letter.schemaId ?? null,
  error: {
    class: letter.error.class,
    code: letter.error.code,
    message: letter.error.message,
    column: letter.error.column ?? null
  },
  attempts: letter.attempts,
  createdAt: letter.createdAt,
  replayedAt: letter.replayedAt ?? null,
  state: stateOf(letter)
})

export const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** Everything, so that the record can be sent again or the row of `dead_letters` restored. */
export const exportJson = (letter: StoredLetter) => ({
  ...letterJson(letter),
  timestampMs: letter.record.timestampMs === -1 ? null : letter.record.timestampMs,
  key: base64(letter.record.key),
  value: base64(letter.record.value),
  headers: letter.record.headers.map(([key, value]) => ({ key, value: base64(value) }))
})
