import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Fiber } from "effect"
import { DestinationUnavailable } from "../../src/layers/Destination.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { throughOutage, unavailable } from "../../src/programs/outage.js"
import { sharingOutages } from "../../src/programs/outages.js"
import { logged } from "../support/logged.js"

class RegistryUnavailable extends Data.TaggedError("RegistryUnavailable")<{ readonly message: string }> {}

const backoff = { baseMs: 100, maxMs: 1000 }
const refused = new DestinationUnavailable({ what: "connect ECONNREFUSED", code: 2003 })
const locked = new DestinationUnavailable({ what: "Lock wait timeout exceeded", code: 1205 })

/** `count` partitions that ask what fails as long as `state.failure` says so. */
const waiting = (count: number, state: { failure: DestinationUnavailable | undefined }) =>
  Effect.forEach(
    Array.from({ length: count }, (_, partition) => partition),
    (partition) =>
      throughOutage(
        `write ${partition}`,
        backoff,
        Effect.suspend(() => state.failure === undefined ? Effect.void : state.failure),
        unavailable
      ),
    { concurrency: "unbounded", discard: true }
  )

const run = (body: (lines: ReadonlyArray<string>) => Effect.Effect<unknown>) =>
  simulate(sharingOutages(logged((lines) => body(lines))))

describe("what the log says of an outage", () => {
  it("50 partitions that wait for the database ten minutes tell it together: one line, one each 30 s, one at the end", () =>
    run((lines) =>
      Effect.gen(function*() {
        const state: { failure: DestinationUnavailable | undefined } = { failure: refused }
        const all = yield* Effect.fork(waiting(50, state))
        yield* Effect.sleep("10 minutes")
        assert.isAtMost(lines.length, 1 + 20)
        assert.isAtLeast(lines.length, 19)
        state.failure = undefined
        yield* Fiber.join(all)
        assert.match(lines[0] ?? "", /\[main\] WARN tributary.Outage - database: connect ECONNREFUSED; trying again/)
        assert.match(lines[1] ?? "", /for 3\d{4} ms now, \d+ tries, 50 wait for it/)
        assert.match(lines.at(-1) ?? "", /INFO tributary.Outage - database: works again after 60\d{4} ms, \d+ failed/)
      })
    ))

  it("one that comes and goes each second for five minutes is an outage that lasts, not a pair of lines each time", () =>
    run((lines) =>
      Effect.gen(function*() {
        const state: { failure: DestinationUnavailable | undefined } = { failure: undefined }
        const all = yield* Effect.fork(Effect.forever(Effect.delay(waiting(9, state), 10)))
        for (let second = 0; second < 300; second++) {
          state.failure = second % 2 === 0 ? refused : undefined
          yield* Effect.sleep("1 second")
        }
        yield* Fiber.interrupt(all)
        assert.isAtMost(lines.length, 2 * (1 + 300 / 30))
      })
    ))

  it("a lock on a row is told by each partition that waits for it: another row says nothing of this one", () =>
    run((lines) =>
      Effect.gen(function*() {
        const all = yield* Effect.fork(waiting(3, { failure: locked }))
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(lines.map((line) => /write \d/.exec(line)?.[0]), ["write 0", "write 1", "write 2"])
        yield* Fiber.interrupt(all)
      })
    ))

  it("what is interrupted waits no longer: the others' end is the end of the outage", () =>
    run((lines) =>
      Effect.gen(function*() {
        const state: { failure: DestinationUnavailable | undefined } = { failure: refused }
        const revoked = yield* Effect.fork(waiting(1, { failure: refused }))
        const kept = yield* Effect.fork(waiting(1, state))
        yield* Effect.sleep("5 seconds")
        yield* Fiber.interrupt(revoked)
        state.failure = undefined
        yield* Fiber.join(kept)
        assert.lengthOf(lines, 2)
        assert.match(lines[1] ?? "", /works again/)
      })
    ))

  it("two services that are out at once are two outages", () =>
    run((lines) =>
      Effect.gen(function*() {
        const registry = new RegistryUnavailable({ message: "connect ECONNREFUSED :8081" })
        const both = yield* Effect.fork(
          Effect.all([
            waiting(2, { failure: refused }),
            throughOutage("schema 7", backoff, registry, ["RegistryUnavailable"])
          ], { concurrency: "unbounded" })
        )
        yield* Effect.sleep("5 seconds")
        assert.sameMembers(lines.map((line) => / - (\w+):/.exec(line)?.[1]), ["database", "registry"])
        yield* Fiber.interrupt(both)
      })
    ))
})
