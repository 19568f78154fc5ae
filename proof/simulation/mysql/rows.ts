import { Lockable, Owner, release, stopWaiting } from "./locks.js"

/** One row of a table: what is committed, and what the transaction that holds its lock has made of it. */
export class Row<V> extends Lockable {
  committed: V | undefined = undefined
  /** Undefined inside: deleted. */
  dirty: { readonly value: V | undefined } | undefined = undefined
  readonly key: string
  private readonly table: Table<V>

  constructor(table: Table<V>, key: string) {
    super()
    this.table = table
    this.key = key
  }

  /** As the transaction sees it at READ COMMITTED; without one, as everybody else does. */
  seenBy(transaction: Transaction | undefined): V | undefined {
    return this.dirty !== undefined && this.holder === transaction ? this.dirty.value : this.committed
  }

  /** As READ UNCOMMITTED sees it. */
  get latest(): V | undefined {
    return this.dirty === undefined ? this.committed : this.dirty.value
  }

  write(transaction: Transaction, value: V | undefined): void {
    const before = this.dirty
    this.dirty = { value }
    transaction.changed(this, () => {
      this.dirty = before
    })
  }

  /** Makes what is dirty the truth; answers how to lose it again, as a fail-over does. */
  commit(): (() => void) | undefined {
    if (this.dirty === undefined) return undefined
    const before = this.committed
    const after = this.dirty.value
    this.dirty = undefined
    this.committed = after
    this.table.committed(this.key, before, after)
    return () => this.table.restore(this.key, before)
  }

  override forgotten(): void {
    if (this.committed === undefined && this.dirty === undefined) this.table.remove(this)
  }
}

/** A row that a transaction has changed, whatever it holds. */
interface Changed {
  readonly commit: () => (() => void) | undefined
}

/** Rows by their key. */
export class Table<V> {
  readonly rows = new Map<string, Row<V>>()
  /** Told of every row that a commit changes. */
  committed: (key: string, before: V | undefined, after: V | undefined) => void = () => {}

  /** The row with this key, or the place where it would be. */
  at(key: string): Row<V> {
    const known = this.rows.get(key)
    if (known !== undefined) return known
    const row = new Row<V>(this, key)
    this.rows.set(key, row)
    return row
  }

  remove(row: Row<V>): void {
    if (this.rows.get(row.key) === row) this.rows.delete(row.key)
  }

  restore(key: string, value: V | undefined): void {
    const row = this.at(key)
    row.committed = value
    if (row.holder === undefined && row.queue.length === 0) row.forgotten()
  }

  /** All that is committed. */
  values(): Array<V> {
    return [...this.rows.values()].flatMap(({ committed }) => committed === undefined ? [] : [committed])
  }
}

/** What `kafka_offsets` was told to change, and by whom. */
export class Transaction extends Owner {
  private readonly undo: Array<() => void> = []
  private readonly rows = new Set<Changed>()
  /** Generation and owner that a compare-and-set has named, by the row's key. */
  readonly claims = new Map<string, { readonly generation: string | undefined; readonly owner: string | undefined }>()

  changed(row: Changed, undo: () => void): void {
    this.rows.add(row)
    this.undo.push(undo)
    this.weight += 1
  }

  get hasWritten(): boolean {
    return this.undo.length > 0
  }

  get savepoint(): number {
    return this.undo.length
  }

  /** Takes back what came after the savepoint. Locks stay, as in InnoDB. */
  rollbackTo(savepoint: number): void {
    for (const undo of this.undo.splice(savepoint).toReversed()) undo()
  }

  /** Makes all changes the truth, and keeps the locks. Answers how to lose each again, the last first. */
  commit(): ReadonlyArray<() => void> {
    return [...this.rows].flatMap((row) => row.commit() ?? []).toReversed()
  }

  rollback(): void {
    stopWaiting(this)
    this.rollbackTo(0)
    this.release()
  }

  /** READ COMMITTED gives back what WHERE did not match, unless it was locked before. */
  releaseUnmatched(row: Lockable): void {
    this.held.splice(this.held.lastIndexOf(row), 1)
    release(row)
  }

  release(): void {
    for (const thing of this.held.splice(0)) release(thing)
  }
}
