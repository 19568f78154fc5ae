import type { OffsetMove } from "../../checker/History.js"
import { Table, type Transaction } from "./rows.js"

export interface OffsetVersion {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly offset: bigint
  readonly generation: bigint
  readonly owner: string
  readonly conn: number
  readonly sourceId: number
}

export interface TargetVersion {
  readonly source: number
  readonly partition: number
  readonly offset: bigint
  readonly content: string
  readonly seq: number
}

export interface LetterVersion {
  readonly source: number
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly attempts: number
}

export interface SourceVersion {
  readonly id: number
  readonly clusterId: string
  readonly topic: string
  readonly topicId: string
  readonly group: string
  readonly pipeline: string
}

/** With the source that the row of `kafka_offsets` refers to: offsets of another life of the topic are others. */
export interface Move extends OffsetMove {
  readonly source: number
  /** A person has made it. */
  readonly byHand?: true
}

/** One commit that changed something, and how to lose it. */
interface Commit {
  readonly lose: ReadonlyArray<() => void>
  /** Rows of `kafka_offsets` as they were before it, by their key. */
  readonly offsets: ReadonlyArray<readonly [key: string, before: OffsetVersion | undefined]>
}

export const offsetKey = (topic: string, partition: number | string, group: string): string =>
  `${topic}/${partition}/${group}`

/** Everything that is stored, and how it came to be. */
export class Database {
  readonly offsets = new Table<OffsetVersion>()
  readonly letters = new Table<LetterVersion>()
  readonly sources = new Table<SourceVersion>()
  readonly targets = new Map<string, Table<TargetVersion>>()
  readonly moves: Array<Move> = []
  private readonly commits: Array<Commit> = []
  private lastSource = 0
  private lastRow = 0
  /** Of the commit that is being made. */
  private moved: Array<readonly [key: string, before: OffsetVersion | undefined, after: OffsetVersion]> = []
  private effects: Array<{ readonly topic: string; readonly partition: number; readonly offset: bigint }> = []

  constructor() {
    this.offsets.committed = (key, before, after) => {
      if (after !== undefined) this.moved.push([key, before, after])
    }
    this.letters.committed = (_key, _before, after) => {
      if (after !== undefined) this.effects.push(after)
    }
  }

  nextSource(): number {
    this.lastSource += 1
    return this.lastSource
  }

  /** AUTO_INCREMENT: never given out twice, also not after a rollback. */
  nextRow(): number {
    this.lastRow += 1
    return this.lastRow
  }

  createTable(name: string): void {
    if (this.targets.has(name)) return
    const table = new Table<TargetVersion>()
    table.committed = (_key, _before, after) => {
      if (after === undefined) return
      const topic = this.topicOf(after.source)
      this.effects.push({ topic, partition: after.partition, offset: after.offset })
    }
    this.targets.set(name, table)
  }

  /** The topic of a source; a source that nobody has registered has no name. */
  topicOf(source: number): string {
    return this.sources.rows.get(String(source))?.latest?.topic ?? `source ${source}`
  }

  commit(transaction: Transaction, process: string): void {
    const lose = transaction.commit()
    if (lose.length > 0) this.record(lose, transaction, process)
    // Last: who waits for these rows goes on at once, and is to find everything in its place.
    transaction.release()
  }

  private record(lose: ReadonlyArray<() => void>, transaction: Transaction, process: string): void {
    for (const [key, before, after] of this.moved) {
      const claim = transaction.claims.get(key)
      this.moves.push({
        topic: after.topic,
        partition: after.partition,
        seq: this.moves.length,
        from: before?.offset,
        to: after.offset,
        generation: claim?.generation === undefined ? after.generation : BigInt(claim.generation),
        owner: claim?.owner ?? after.owner,
        writer: process,
        source: after.sourceId,
        effects: this.effects
          .filter(({ partition, topic }) => topic === after.topic && partition === after.partition)
          .map(({ offset }) => offset)
      })
    }
    this.commits.push({ lose, offsets: this.moved.map(([key, before]) => [key, before]) })
    this.moved = []
    this.effects = []
  }

  /** The last commits are gone, as on a replica that had not received them. Answers how many there were. */
  lose(count: number): number {
    const lost = this.commits.splice(Math.max(0, this.commits.length - count)).toReversed()
    const was = new Map<string, OffsetVersion>()
    for (const { lose, offsets } of lost) {
      for (const [key] of offsets) {
        const now = this.offsets.rows.get(key)?.committed
        if (now !== undefined && !was.has(key)) was.set(key, now)
      }
      for (const act of lose) act()
    }
    for (const [key, before] of was) this.reset(before, this.offsets.rows.get(key)?.committed)
    return lost.length
  }

  /** A person writes the row, or deletes it, while nobody else is at it. */
  byHand(key: string, after: OffsetVersion | undefined): void {
    const before = this.offsets.rows.get(key)?.committed
    this.offsets.restore(key, after)
    if (before !== undefined && after !== undefined) this.reset(before, after, { byHand: true })
  }

  /** A row that is gone starts anew, at an offset that its next owner decides. */
  private reset(before: OffsetVersion, after: OffsetVersion | undefined, by: Pick<Move, "byHand"> = {}): void {
    const first = this.moves.find(({ partition, source, topic }) =>
      topic === before.topic && partition === before.partition && source === before.sourceId
    )
    this.moves.push({
      topic: before.topic,
      partition: before.partition,
      seq: this.moves.length,
      from: before.offset,
      to: after?.offset ?? first?.to ?? 0n,
      generation: after?.generation ?? 0n,
      owner: after?.owner ?? "",
      source: before.sourceId,
      ...by,
      reset: true
    })
  }
}
