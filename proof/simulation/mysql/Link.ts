import type { Fate, Request } from "./faults.js"
import type { Answer, Session } from "./Session.js"
import { mainOf, parseAll, type Statement } from "./statements.js"

/** What a connection needs of its server. */
export interface Wire {
  readonly fateOf: (session: Session, request: Request, text: string) => Fate
  readonly latencyMs: () => number
  readonly after: (ms: number, act: () => void) => () => void
  readonly trace: (line: () => string) => void
}

/** What comes back for a text; undefined: the connection is lost. */
type Done = (answer: Answer | undefined) => void

interface Text {
  readonly statements: ReadonlyArray<Statement>
  readonly main: number
  readonly fate: Fate
}

/** These end the connection as well. */
const closing = new Set([1053, 1927, 4031])

/** A connection: the client's end of it, and what is on its way to the session at the other. */
export class Link {
  /** As the client sees it. */
  isOpen = true
  readonly session: Session
  private readonly wire: Wire
  private waiting: Done | undefined = undefined
  /** Nothing gets through, in either direction, and nobody is told. */
  private isSilent = false

  constructor(session: Session, wire: Wire) {
    this.session = session
    this.wire = wire
  }

  send(text: string, done: Done): void {
    if (!this.isOpen) return done(undefined)
    this.waiting = done
    if (this.isSilent) return
    const statements = parseAll(text)
    const [main, request] = mainOf(statements)
    const fate = this.wire.fateOf(this.session, request, text)
    if (request !== "other" || fate.kind !== "none") {
      this.wire.trace(() => `${this.session.process}#${this.session.id} ${request}${told(fate)}`)
    }
    this.wire.after(this.wire.latencyMs(), () => this.arrived({ statements, main, fate }))
  }

  /** The client closes its end. */
  close(): void {
    this.lose()
    if (!this.isSilent) this.session.abandon()
  }

  /** The server's end is closed: by KILL, a time-out, or a crash. */
  reset(): void {
    if (!this.isSilent) this.lose()
  }

  silence(): void {
    this.isSilent = true
  }

  /** The network is back: what the client has done meanwhile arrives, and it learns what the server has done. */
  heal(): void {
    if (!this.isSilent) return
    this.isSilent = false
    if (!this.isOpen) this.session.abandon()
    else if (!this.session.isOpen) this.lose()
  }

  private lose(): void {
    this.isOpen = false
    const { waiting } = this
    this.waiting = undefined
    waiting?.(undefined)
  }

  private answer(answer: Answer): void {
    this.session.rest()
    if (this.isSilent || !this.isOpen) return
    const { waiting } = this
    this.waiting = undefined
    waiting?.(answer)
  }

  private arrived({ fate, main, statements }: Text): void {
    if (!this.session.isOpen) return this.reset()
    const all = statements.length
    const run = (count: number, done: (answer: Answer) => void) => this.session.run(statements, count, done)
    switch (fate.kind) {
      case "none":
        return run(all, (answer) => this.answer(answer))
      case "slow":
        return this.slow(fate, run, all)
      case "error":
        return run(fate.executed === true ? main + 1 : main, (answer) => {
          if (answer.refusal !== undefined) return this.answer(answer)
          const error = fate.executed === true
            ? { results: [], refusal: { errno: fate.code, message: "it is done, and yet this error comes back" } }
            : this.session.fail(fate.code, statements[main])
          this.answer(error)
          if (closing.has(fate.code)) this.session.end()
        })
      case "lost":
        return this.lost(fate, run, all)
      case "silence":
        return this.fallSilent(fate, run, all)
    }
  }

  private slow(fate: Extract<Fate, { kind: "slow" }>, run: Run, all: number): void {
    if (fate.when === "after") {
      return run(all, (answer) => {
        this.wire.after(fate.ms, () => this.answer(answer))
      })
    }
    this.session.command = "Query"
    this.wire.after(fate.ms, () => {
      if (this.session.isOpen) run(all, (answer) => this.answer(answer))
    })
  }

  private lost({ afterMs = 0, executed }: Extract<Fate, { kind: "lost" }>, run: Run, all: number): void {
    // The client closes its end when it learns that; the server reads the request first, whenever that arrives.
    this.isSilent = executed
    this.lose()
    if (!executed) return this.session.end()
    this.wire.after(afterMs, () => {
      if (this.session.isOpen) run(all, () => this.session.end())
    })
  }

  private fallSilent({ afterMs, executed }: Extract<Fate, { kind: "silence" }>, run: Run, all: number): void {
    this.silence()
    const heal = () => {
      if (afterMs !== undefined) this.heal()
    }
    if (!executed) {
      // The answer never comes; but with the network back the server hears that the client has gone.
      if (afterMs !== undefined) this.wire.after(afterMs, heal)
      return
    }
    this.wire.after(afterMs ?? 0, () => {
      if (!this.session.isOpen) return heal()
      run(all, (answer) => {
        if (afterMs !== undefined && this.isOpen) this.isSilent = false
        this.answer(answer)
        heal()
      })
    })
  }
}

type Run = (count: number, done: (answer: Answer) => void) => void

const told = (fate: Fate): string => fate.kind === "none" ? "" : ` ${JSON.stringify(fate)}`
