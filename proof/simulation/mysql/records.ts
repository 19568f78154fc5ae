import type { LetterRow, OffsetMove, Place, TargetRow } from "../../checker/History.js"
import type { SimMysql } from "./SimMysql.js"

/** What the server holds and how it came to be, as the checker wants it. */
export interface Records {
  readonly rows: ReadonlyArray<TargetRow>
  readonly letters: ReadonlyArray<LetterRow>
  readonly moves: ReadonlyArray<OffsetMove>
  readonly stored: ReadonlyArray<Place & { readonly offset: bigint }>
}

/** Only what is committed. */
export const recordsOf = ({ database }: SimMysql): Records => ({
  rows: [...database.targets.values()].flatMap((table) =>
    table.values().map(({ content, offset, partition, seq, source }) => ({
      topic: database.topicOf(source),
      partition,
      offset,
      content,
      seq
    }))
  ),
  letters: database.letters.values().map(({ offset, partition, topic }) => ({ topic, partition, offset })),
  moves: database.moves,
  stored: database.offsets.values().map(({ offset, partition, topic }) => ({ topic, partition, offset }))
})
