import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { isServerWide } from "../domain/MysqlErrors.js"
import { elapsedMillis } from "../layers/elapsed.js"

interface Failure {
  readonly _tag: string
  readonly message: string
  readonly code?: unknown
}

/** One who waits until something works. */
export interface Waiting {
  readonly failed: (failure: Failure) => Effect.Effect<void>
  readonly cameThrough: Effect.Effect<void>
  /** Has come through, or waits no longer. */
  readonly leave: () => void
}

/**
 * Keeps the log of a process readable through a night without a database, however many partitions wait for it. Of an
 * outage one line when it begins, one each 30 s while it lasts, and one when the last has come through, for all together
 * that wait for the same service. A service that comes and goes is an outage that lasts.
 */
export type Outages = (what: string) => Waiting

interface Outage {
  waiting: number
  sinceMs: number
  tries: number
  saidMs: number
  /** Whether anything was said since it began. */
  isTold: boolean
}

export const summaryEveryMs = 30_000

const none = (): Outage => ({ waiting: 0, sinceMs: 0, tries: 0, saidMs: Number.NEGATIVE_INFINITY, isTold: false })

/** What is out for all that ask it; undefined: nothing but what this one has asked for, such as a row's lock. */
const serviceOf = ({ _tag, code }: Failure): string | undefined => {
  if (_tag === "KafkaUnavailable") return "Kafka"
  if (_tag === "RegistryUnavailable") return "registry"
  return _tag === "DestinationUnavailable" && typeof code === "number" && isServerWide(code) ? "database" : undefined
}

export const makeOutages = (): Outages => {
  const services = new Map<string, Outage>()
  const ofService = (service: string): Outage => {
    const outage = services.get(service) ?? none()
    services.set(service, outage)
    return outage
  }
  return (what) => {
    const own = none()
    let name = what
    const say = (line: Effect.Effect<void>) =>
      // The first that notices speaks for all.
      name === what ? line : Effect.annotateLogs(line, { thread: "main", logger: "tributary.Outage" })
    let outage: Outage | undefined
    const leave = () => {
      if (outage !== undefined) outage.waiting -= 1
      outage = undefined
    }
    const enter = (wanted: Outage, called: string, nowMs: number) => {
      leave()
      outage = wanted
      name = called
      if (wanted.waiting === 0) Object.assign(wanted, { sinceMs: nowMs, tries: 0, isTold: false })
      wanted.waiting += 1
    }
    return {
      failed: (failure) =>
        Effect.flatMap(elapsedMillis, (nowMs) => {
          const service = serviceOf(failure)
          const wanted = service === undefined ? own : ofService(service)
          if (wanted !== outage) enter(wanted, service ?? what, nowMs)
          wanted.tries += 1
          if (nowMs - wanted.saidMs < summaryEveryMs) return Effect.void
          wanted.saidMs = nowMs
          wanted.isTold = true
          const text = `${name}: ${failure.message}; trying again until it works${lasting(wanted, nowMs)}`
          return say(Effect.logWarning(text))
        }),
      cameThrough: Effect.flatMap(elapsedMillis, (nowMs) => {
        const ended = outage
        leave()
        if (ended === undefined || ended.waiting > 0 || !ended.isTold) return Effect.void
        const text = `${name}: works again after ${nowMs - ended.sinceMs} ms, ${ended.tries} failed tries`
        return say(Effect.logInfo(text))
      }),
      leave
    }
  }
}

const lasting = ({ sinceMs, tries, waiting }: Outage, nowMs: number): string =>
  nowMs === sinceMs
    ? ""
    : ` (for ${nowMs - sinceMs} ms now, ${tries} tries${waiting > 1 ? `, ${waiting} wait for it` : ""})`

/** The outages of one run, which all its partitions share; without it each waits and tells for itself. */
export class SharedOutages extends Context.Reference<SharedOutages>()("tributary/SharedOutages", {
  defaultValue: (): { readonly outages: Outages | undefined } => ({ outages: undefined })
}) {}

/** Gives an effect outages to share. */
export const sharingOutages = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(effect, SharedOutages, { outages: makeOutages() }))
