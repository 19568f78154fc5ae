import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Stops single members of a process; the others go on. */
export interface MemberStops {
  /** Lets the member finish, commit and leave its group. Answers whether one of this name was running. */
  readonly stop: (member: string) => Effect.Effect<boolean>
  /** Runs a member's work until it ends or `stop` is called for it, and waits for its end. */
  readonly until: <A, E, R>(member: string, work: Effect.Effect<A, E, R>) => Effect.Effect<void, E, R>
  /** Those that are not told to stop. */
  readonly running: () => ReadonlyArray<string>
}

export const makeMemberStops = (): MemberStops => {
  const stopping = new Map<string, Deferred.Deferred<void>>()
  return {
    stop: (member) =>
      Effect.suspend(() => {
        const told = stopping.get(member)
        stopping.delete(member)
        return told === undefined ? Effect.succeed(false) : Effect.as(Deferred.succeed(told, undefined), true)
      }),
    until: (member, work) =>
      Effect.acquireUseRelease(
        Effect.tap(Deferred.make<void>(), (told) => Effect.sync(() => stopping.set(member, told))),
        (told) => Effect.raceFirst(Effect.asVoid(work), Deferred.await(told)),
        () => Effect.sync(() => stopping.delete(member))
      ),
    running: () => [...stopping.keys()]
  }
}

/** Takes lines such as `stop consumer-thread-3` until the input ends; anything else is answered with what there is. */
export const listen = <E>(stops: MemberStops, input: Stream.Stream<Uint8Array, E>): Effect.Effect<void> =>
  input.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => obey(stops, line.trim())),
    Effect.catchAll((error) => Effect.logWarning(`standard input cannot be read: ${String(error)}`))
  )

const obey = (stops: MemberStops, line: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (line === "") return
    const [, member] = /^stop\s+(\S+)$/.exec(line) ?? []
    if (member === undefined) return yield* Console.error(`${line}: not understood; known is: stop consumer-thread-N`)
    const found = yield* stops.stop(member)
    const running = stops.running()
    if (!found) {
      return yield* Console.error(`no member ${member} is running; there are: ${running.join(", ") || "none"}`)
    }
    yield* Console.error(`${member} is told to stop; ${running.length} of the members go on`)
  })
