import type { LetterRow, Place, TargetRow } from "../../checker/History.js"
import type { Move } from "./Database.js"
import type { SimMysql } from "./SimMysql.js"

/** What the server holds and how it came to be, as the checker wants it. */
export interface Records {
  readonly rows: ReadonlyArray<TargetRow>
  readonly letters: ReadonlyArray<LetterRow>
  readonly moves: ReadonlyArray<Move>
  readonly stored: ReadonlyArray<Place & { readonly offset: bigint }>
}

/** Only what is committed. `lifeOf`: what a topic is called as this source has read it. */
export const recordsOf = (
  { database }: SimMysql,
  lifeOf: (topic: string, source: number) => string = (topic) => topic
): Records => ({
  rows: [...database.targets.values()].flatMap((table) =>
    table.values().map(({ content, offset, partition, seq, source }) => ({
      topic: lifeOf(database.topicOf(source), source),
      partition,
      offset,
      content,
      seq
    }))
  ),
  letters: database.letters.values().map(({ offset, partition, source, topic }) => ({
    topic: lifeOf(topic, source),
    partition,
    offset
  })),
  moves: database.moves.map((move) => ({ ...move, topic: lifeOf(move.topic, move.source) })),
  stored: database.offsets.values().map(({ offset, partition, sourceId, topic }) => ({
    topic: lifeOf(topic, sourceId),
    partition,
    offset
  }))
})
