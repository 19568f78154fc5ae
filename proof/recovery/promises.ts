import { quantile } from "../support/yardstick.js"

/** What is promised of one kind of recovery, on a machine that has a core to spare. */
export interface Promised {
  readonly what: string
  /** 95 of 100 are at most so long. */
  readonly p95Ms: number
  /** The part of it that is waiting by design: a slow machine does not make it longer. */
  readonly waitMs: number
}

export interface Trial {
  readonly ms: number
  /** How much longer work took than its processor time, before or after: 1 on an idle machine. */
  readonly slow: number
}

/** The session time-out of the group, as the program has it by default. */
export const sessionMs = 6000
/** By its next heartbeat a member learns that another has left. */
export const heartbeatMs = 500

export const promises = {
  "restart": { what: "kill -9 and restart on the same host: first new row", p95Ms: 3000, waitMs: 0 },
  "killed": {
    what: "kill -9 without restart: all its partitions go on elsewhere",
    p95Ms: sessionMs + 3000,
    waitMs: sessionMs
  },
  "frozen": {
    what: "frozen (SIGSTOP): all its partitions go on elsewhere",
    p95Ms: sessionMs + 3000,
    waitMs: sessionMs
  },
  "frozen-in-transaction": {
    what: "frozen inside a transaction, its row locked: all its partitions go on elsewhere",
    p95Ms: sessionMs + 3000,
    waitMs: sessionMs
  },
  "hand-over": { what: "SIGTERM: all its partitions go on elsewhere", p95Ms: 1000, waitMs: heartbeatMs },
  "others": { what: "SIGTERM: longest pause of a partition of another instance", p95Ms: 1000, waitMs: 0 },
  "outage": { what: "MySQL back after an outage: first new row", p95Ms: 2000, waitMs: 0 },
  // retry.backoff.max.ms is 2 s: a partition may have tried a moment before.
  "all-after-outage": { what: "MySQL back after an outage: rows in all partitions", p95Ms: 3000, waitMs: 2000 }
} as const satisfies Readonly<Record<string, Promised>>

export type Kind = keyof typeof promises

/** As long as it would have taken on an idle machine: only what is work gets shorter. */
export const onIdleMachine = ({ waitMs }: Promised, { ms, slow }: Trial): number =>
  ms <= waitMs ? ms : waitMs + (ms - waitMs) / slow

export interface Verdict {
  readonly what: string
  readonly trials: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly maxMs: number
  readonly promisedP95Ms: number
  /** The 95th percentile, with the work in each trial divided by how slow the machine was. */
  readonly idleP95Ms: number
  readonly medianSlowness: number
  readonly kept: boolean
}

export const verdictOf = (promised: Promised, trials: ReadonlyArray<Trial>): Verdict => {
  const raw = trials.map(({ ms }) => ms)
  const idleP95Ms = quantile(trials.map((trial) => onIdleMachine(promised, trial)), 0.95)
  return {
    what: promised.what,
    trials: trials.length,
    p50Ms: Math.round(quantile(raw, 0.5)),
    p95Ms: Math.round(quantile(raw, 0.95)),
    maxMs: Math.round(quantile(raw, 1)),
    promisedP95Ms: promised.p95Ms,
    idleP95Ms: Math.round(idleP95Ms),
    medianSlowness: Math.round(quantile(trials.map(({ slow }) => slow), 0.5) * 100) / 100,
    kept: trials.length > 0 && idleP95Ms <= promised.p95Ms
  }
}

/** A promise that is not kept, as a finding. */
export const broken = ({ idleP95Ms, kept, p95Ms, promisedP95Ms, trials, what }: Verdict): ReadonlyArray<string> =>
  kept
    ? []
    : [`${what}: p95 ${p95Ms} ms, on an idle machine ${idleP95Ms} ms, of ${trials}; promised ${promisedP95Ms} ms`]
