import type { ServerTime } from "../../../src/layers/memory/ServerTime.js"
import { Database } from "./Database.js"
import type { Context } from "./execute.js"
import { type Fate, type Faults, noFaults, none, type Request } from "./faults.js"
import { Link, type Wire } from "./Link.js"
import type { Transaction } from "./rows.js"
import { type Host, Session } from "./Session.js"

export interface SimMysqlOptions {
  readonly faults?: Faults
  /** Off: rows have no key of Tributary's, so that the protocol alone keeps them from being there twice. Default on. */
  readonly unique?: boolean
  readonly connectionsMax?: number
  readonly trace?: (line: string) => void
}

/** That faults have really happened. */
export interface Counters {
  statements: number
  commits: number
  connections: number
  lockWaits: number
  lockTimeouts: number
  deadlocks: number
  readOnly: number
  diskFull: number
  kills: number
  idleTimeouts: number
  crashes: number
  failOvers: number
  lostCommits: number
  refusedConnections: number
  /** Answers to COMMIT that did not arrive, or were an error. */
  unknowns: number
  /** By request and kind: "commit lost". */
  readonly fates: Map<string, number>
}

const noCounts = (): Counters => ({
  statements: 0,
  commits: 0,
  connections: 0,
  lockWaits: 0,
  lockTimeouts: 0,
  deadlocks: 0,
  readOnly: 0,
  diskFull: 0,
  kills: 0,
  idleTimeouts: 0,
  crashes: 0,
  failOvers: 0,
  lostCommits: 0,
  refusedConnections: 0,
  unknowns: 0,
  fates: new Map()
})

/** Why a connection is refused: a server's error, nobody there, or no answer at all. */
export type ConnectRefusal = { readonly errno: number } | { readonly code: "ECONNREFUSED" } | "silence"

/**
 * A MySQL server as far as the protocol rests on it: sessions, transactions at READ COMMITTED, row locks with their
 * queues, time-outs and deadlocks, KILL, and everything that can go wrong between it and its clients. It has no fiber of
 * its own but timers: what it does goes on whatever becomes of its clients.
 */
export class SimMysql implements Host, Wire {
  readonly database = new Database()
  readonly counters = noCounts()
  faults: Faults
  isDown = false
  diskFull = false
  private readOnly = false
  private readonly time: ServerTime
  private readonly unique: boolean
  private readonly connectionsMax: number
  private readonly tell: ((line: string) => void) | undefined
  /** Of sessions that live. */
  private readonly links = new Map<number, Link>()
  /** As the processes see it: also those that lead nowhere. */
  private readonly opened = new Map<string, ReadonlyArray<Link>>()
  /** Processes whose network leads nowhere, and what they had open when it broke. */
  private readonly cutOff = new Map<string, ReadonlyArray<Link>>()
  private lastConnection = 0
  private isSweeping = false

  constructor(
    time: ServerTime,
    { connectionsMax = 151, faults = noFaults, trace, unique = true }: SimMysqlOptions = {}
  ) {
    this.time = time
    this.faults = faults
    this.unique = unique
    this.connectionsMax = connectionsMax
    this.tell = trace
  }

  /** Crashes, or is killed: connections are reset, what was open is lost. `silently`: the power is gone, nobody is told. */
  crash({ silently = false }: { readonly silently?: boolean } = {}): void {
    this.trace(() => `server crashes${silently ? " silently" : ""}`)
    this.counters.crashes += 1
    this.isDown = true
    for (const link of this.links.values()) {
      if (silently) link.silence()
      link.session.end()
    }
  }

  start(): void {
    this.trace(() => "server is up")
    this.isDown = false
  }

  /** Another server takes over, which had not received the last transactions; connections lead to the one that is gone. */
  failOver(lostTransactions: number, how: { readonly silently?: boolean } = {}): void {
    this.crash(how)
    const lost = this.database.lose(lostTransactions)
    this.trace(() => `fail-over loses ${lost} transactions`)
    this.counters.failOvers += 1
    this.counters.lostCommits += lost
    this.readOnly = false
    this.start()
  }

  setReadOnly(readOnly: boolean): void {
    this.trace(() => `read-only: ${readOnly}`)
    this.readOnly = readOnly
  }

  isReadOnly(): boolean {
    return this.readOnly
  }

  /** The process was killed: its system closes its sockets. */
  processEnded(process: string): void {
    for (const link of this.openedBy(process)) link.close()
  }

  /** The process's machine has lost its power or its network: its sessions stay until they time out or are killed. */
  disconnect(process: string): void {
    const links = this.openedBy(process)
    this.cutOff.set(process, [...this.cutOff.get(process) ?? [], ...links])
    for (const link of links) link.silence()
  }

  reconnect(process: string): void {
    const links = this.cutOff.get(process) ?? []
    this.cutOff.delete(process)
    for (const link of links) link.heal()
  }

  /** What `KILL` does, and a test that stands for an administrator. */
  kill(connection: number): boolean {
    const link = this.links.get(connection)
    if (link === undefined) return false
    this.trace(() => `kills ${link.session.process}#${connection}`)
    this.counters.kills += 1
    link.session.end()
    return true
  }

  /** Connections that the process has not closed. */
  openConnections(process: string): number {
    return this.openedBy(process).length
  }

  /** Sessions with a transaction that holds a lock, as performance_schema.data_locks would show. */
  lockingSessions(): number {
    return [...this.links.values()].filter(({ session }) => session.holdsLocks).length
  }

  /** Connects a process, or says why not. */
  connect(process: string, fate: Fate): Link | ConnectRefusal {
    const refusal = this.refusal(process, fate)
    if (refusal !== undefined) {
      this.counters.refusedConnections += 1
      return refusal
    }
    this.counters.connections += 1
    this.lastConnection += 1
    const session = new Session(this.lastConnection, process, this)
    const link = new Link(session, this)
    this.links.set(session.id, link)
    this.opened.set(process, [...this.openedBy(process), link])
    session.rest()
    this.sweepLater()
    return link
  }

  connectFate(process: string): Fate {
    return this.counted(this.faults.next({ process, connection: 0, request: "connect", text: "" }), "connect")
  }

  // What sessions and links need.

  fateOf(session: Session, request: Request, text: string): Fate {
    const fate = this.faults.next({ process: session.process, connection: session.id, request, text })
    if (request === "commit" && fate.kind !== "none" && fate.kind !== "slow") this.counters.unknowns += 1
    return this.counted(fate, request)
  }

  latencyMs(): number {
    return this.faults.latencyMs()
  }

  after(ms: number, act: () => void): () => void {
    if (ms > 0) return this.time.after(ms, act)
    act()
    return () => {}
  }

  nowMs(): number {
    return this.time.nowMs()
  }

  trace(line: () => string): void {
    this.tell?.(`${this.nowMs()} mysql: ${line()}`)
  }

  note(event: "statements" | "lockWaits" | "lockTimeouts" | "deadlocks" | "readOnly" | "diskFull"): void {
    this.counters[event] += 1
  }

  commit(transaction: Transaction, process: string): void {
    if (transaction.hasWritten) this.counters.commits += 1
    this.database.commit(transaction, process)
  }

  ended(session: Session): void {
    const link = this.links.get(session.id)
    this.links.delete(session.id)
    link?.reset()
  }

  contextOf(session: Session, transaction: Transaction): Context {
    return {
      database: this.database,
      transaction,
      connection: session.id,
      isDirtyRead: session.isDirtyRead,
      isUnique: this.unique,
      isDiskFull: this.diskFull,
      rowRule: this.faults.rowRule,
      warnings: session.warnings,
      isIdle: (connection) => {
        const found = this.links.get(connection)?.session
        return found === undefined ? undefined : found.command === "Sleep"
      },
      variables: this.variables()
    }
  }

  private variables(): ReadonlyArray<readonly [string, string]> {
    return [
      ["version", "9.7.4"],
      ["version_comment", "simulated"],
      ["read_only", this.readOnly ? "ON" : "OFF"],
      ["super_read_only", this.readOnly ? "ON" : "OFF"],
      ["innodb_read_only", "OFF"],
      ["log_bin", "ON"],
      ["binlog_format", "ROW"],
      ["max_allowed_packet", "67108864"]
    ]
  }

  private refusal(process: string, fate: Fate): ConnectRefusal | undefined {
    if (this.cutOff.has(process) || fate.kind === "silence") return "silence"
    if (this.isDown || fate.kind === "lost") return { code: "ECONNREFUSED" }
    if (fate.kind === "error") return { errno: fate.code }
    return this.links.size < this.connectionsMax ? undefined : { errno: 1040 }
  }

  private counted(fate: Fate, request: Request): Fate {
    if (fate === none || fate.kind === "none") return fate
    const name = `${request} ${fate.kind}`
    this.counters.fates.set(name, (this.counters.fates.get(name) ?? 0) + 1)
    return fate
  }

  private openedBy(process: string): ReadonlyArray<Link> {
    return (this.opened.get(process) ?? []).filter(({ isOpen }) => isOpen)
  }

  /** One timer for all sessions: whose wait_timeout has passed is ended. */
  private sweepLater(): void {
    if (this.isSweeping || this.links.size === 0) return
    this.isSweeping = true
    const dueMs = Math.min(
      ...[...this.links.values()].map(({ session }) => session.idleSinceMs + Math.min(session.waitTimeoutS, 60) * 1000)
    )
    this.time.after(Math.max(1, dueMs - this.nowMs()), () => {
      this.isSweeping = false
      for (const { session } of this.links.values()) {
        if (session.command !== "Sleep" || this.nowMs() < session.idleSinceMs + session.waitTimeoutS * 1000) continue
        this.trace(() => `${session.process}#${session.id} has been idle for ${session.waitTimeoutS} s`)
        this.counters.idleTimeouts += 1
        session.end()
      }
      this.sweepLater()
    })
  }
}
