import {
  type Context,
  execute,
  header,
  type OnRows,
  type Outcome,
  type Refusal,
  refused,
  type Running
} from "./execute.js"
import { giveUp, stopWaiting, type Wait, wait } from "./locks.js"
import { Transaction } from "./rows.js"
import type { Statement } from "./statements.js"

/** What a client gets for a text: one result for each statement, or the error of the first that failed. */
export interface Answer {
  readonly results: ReadonlyArray<unknown>
  readonly refusal?: Refusal
}

/** What a session needs of its server. */
export interface Host {
  readonly contextOf: (session: Session, transaction: Transaction) => Context
  readonly after: (ms: number, act: () => void) => () => void
  readonly nowMs: () => number
  readonly commit: (transaction: Transaction, process: string) => void
  readonly isReadOnly: () => boolean
  readonly ended: (session: Session) => void
  /** Answers false where there is no such connection. */
  readonly kill: (connection: number) => boolean
  readonly note: (event: "statements" | "lockWaits" | "lockTimeouts" | "deadlocks" | "readOnly" | "diskFull") => void
}

/** The rest of a text that is under way. */
interface Job {
  readonly statements: ReadonlyArray<Statement>
  readonly count: number
  readonly done: (answer: Answer) => void
  readonly results: Array<unknown>
  savepoint: number
  running: Running | undefined
}

const readOnly = refused(
  1290,
  "The MySQL server is running with the --super-read-only option so it cannot execute this statement"
)
const writing: ReadonlySet<Statement["kind"]> = new Set(
  ["move", "claim", "insert", "delete", "letter", "new source", "topic id"]
)

/** After these the whole transaction is gone, not only the statement. */
const rollsBackAll = new Set([1213, 1206, 1180])

/** One connection as the server sees it. */
export class Session {
  readonly id: number
  readonly process: string
  isOpen = true
  command: "Sleep" | "Query" = "Sleep"
  idleSinceMs = 0
  lockWaitS = 50
  waitTimeoutS = 28_800
  warnings: Array<number> = []
  isDirtyRead = false
  /** Begun by START TRANSACTION; without one each statement is its own. */
  private transaction: Transaction | undefined = undefined
  /** Of the statement that is under way, where it is one of its own. */
  private own: Transaction | undefined = undefined
  private level = "READ COMMITTED"
  /** Its socket is closed at the other end; noticed when it has nothing to do. */
  private isAbandoned = false
  private readonly host: Host

  constructor(id: number, process: string, host: Host) {
    this.id = id
    this.process = process
    this.host = host
  }

  /** Does the first `count` statements, then answers. A session that ends on the way answers nothing. */
  run(statements: ReadonlyArray<Statement>, count: number, done: (answer: Answer) => void): void {
    this.command = "Query"
    this.step({ statements, count, done, results: [], savepoint: 0, running: undefined }, "granted")
  }

  /** What an error that the scenario has chosen does to the transaction. */
  fail(code: number, statement: Statement | undefined): Answer {
    if (rollsBackAll.has(code) || statement?.kind === "commit") this.rollback()
    return { results: [], refusal: { errno: code, message: `error ${code}, by order of the scenario` } }
  }

  /** Ends it: what is open is rolled back. */
  end(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.rollback()
    this.host.ended(this)
  }

  /** The client has closed. What is under way goes on to its end: a server looks at the socket only between requests. */
  abandon(): void {
    this.isAbandoned = true
    if (this.command === "Sleep") this.end()
  }

  /** A request has been dealt with. */
  rest(): void {
    this.command = "Sleep"
    this.idleSinceMs = this.host.nowMs()
    if (this.isAbandoned) this.end()
  }

  get holdsLocks(): boolean {
    return (this.transaction?.held.length ?? 0) > 0
  }

  private rollback(): void {
    const open = [this.transaction, this.own]
    this.transaction = undefined
    this.own = undefined
    for (const one of open) {
      if (one === undefined) continue
      stopWaiting(one)
      one.rollback()
    }
  }

  private step(job: Job, how: Wait): void {
    for (;;) {
      // Killed by itself, or by the server's end.
      if (!this.isOpen) return
      const statement = job.statements[job.results.length]
      if (statement === undefined || job.results.length === job.count) return job.done({ results: job.results })
      const outcome = this.perform(job, statement, how)
      if (outcome === undefined) return
      how = "granted"
      job.running = undefined
      if ("refusal" in outcome) return job.done(this.refuse(job, outcome.refusal))
      if (this.own !== undefined) this.commit(this.own)
      this.own = undefined
      job.results.push(outcome.result)
    }
  }

  private refuse(job: Job, refusal: Refusal): Answer {
    this.noteRefusal(refusal.errno)
    // 1205 ends the statement alone: its transaction stays open, with what it has done before.
    if (this.own !== undefined || rollsBackAll.has(refusal.errno)) this.rollback()
    else this.transaction?.rollbackTo(job.savepoint)
    return { results: job.results, refusal }
  }

  /** A statement on rows, up to its end or to a lock that is taken: then undefined, and it goes on by itself. */
  private advance(job: Job, statement: OnRows, how: Wait): Outcome | undefined {
    if (job.running === undefined) {
      this.host.note("statements")
      if (statement.kind !== "warnings" && statement.kind !== "warning count") this.warnings = []
      if (writing.has(statement.kind) && this.host.isReadOnly()) return readOnly
      if (this.transaction === undefined) this.own = new Transaction()
      const transaction = this.transaction ?? this.own ?? new Transaction()
      job.savepoint = transaction.savepoint
      job.running = execute(this.host.contextOf(this, transaction), statement)
    }
    const next = job.running.next(how)
    if (next.done === true) return next.value
    const transaction = this.transaction ?? this.own
    if (transaction === undefined) return refused(1317, "Query execution was interrupted")
    this.host.note("lockWaits")
    let waiting = true
    const cancel = this.host.after(this.lockWaitS * 1000, () => {
      if (waiting) giveUp(transaction, "timeout")
    })
    wait(transaction, next.value, (end) => {
      waiting = false
      cancel()
      this.step(job, end)
    })
    return undefined
  }

  /** Undefined: it waits for a lock. */
  private perform(job: Job, statement: Statement, how: Wait): Outcome | undefined {
    switch (statement.kind) {
      case "begin":
        // Commits what is open: why production sends ROLLBACK first.
        if (this.transaction !== undefined) this.commit(this.transaction)
        this.transaction = new Transaction()
        return header(0)
      case "commit":
        return this.commitOpen()
      case "rollback":
        this.rollback()
        this.isDirtyRead = this.level === "READ UNCOMMITTED"
        return header(0)
      case "settings":
        this.lockWaitS = statement.settings.lockWaitS ?? this.lockWaitS
        this.waitTimeoutS = statement.settings.waitTimeoutS ?? this.waitTimeoutS
        return header(0)
      case "isolation":
        this.isDirtyRead = statement.level === "READ UNCOMMITTED"
        if (!statement.next) this.level = statement.level
        return header(0)
      case "kill":
        return this.host.kill(statement.connection)
          ? header(0)
          : refused(1094, `Unknown thread id: ${statement.connection}`)
      case "move":
      case "claim":
      case "look":
      case "stored":
      case "owner":
      case "insert":
      case "delete":
      case "letter":
      case "letter offsets":
      case "sources":
      case "two sources":
      case "new source":
      case "topic id":
      case "index columns":
      case "warnings":
      case "warning count":
      case "variables":
      case "nothing":
        return this.advance(job, statement, how)
    }
  }

  private commitOpen(): Outcome {
    const open = this.transaction
    this.transaction = undefined
    if (open === undefined) return header(0)
    if (open.hasWritten && this.host.isReadOnly()) {
      open.rollback()
      return readOnly
    }
    this.commit(open)
    return header(0)
  }

  private commit(transaction: Transaction): void {
    this.host.commit(transaction, this.process)
    this.isDirtyRead = this.level === "READ UNCOMMITTED"
  }

  private noteRefusal(errno: number): void {
    if (errno === 1205) this.host.note("lockTimeouts")
    if (errno === 1213) this.host.note("deadlocks")
    if (errno === 1290) this.host.note("readOnly")
    if (errno === 1114) this.host.note("diskFull")
  }
}
