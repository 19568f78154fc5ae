import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Mailbox } from "effect"
import { GroupEvent, type KafkaRefused, type Membership } from "../../src/layers/Consumer.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { deliverTo, foldAssignments, type Runner } from "../../src/programs/assignment.js"
import { fetched } from "./partitionWorld.js"

const runner = (generation: number, log: Array<string>): Runner => ({
  generation,
  offer: ({ fetchedOffset }) => {
    log.push(`${generation}: ${fetchedOffset}`)
    return "fetch"
  }
})

it("what was fetched in another generation is dropped", () => {
  const log: Array<string> = []
  const deliver = deliverTo(new Map([[0, runner(2, log)]]))
  assert.strictEqual(deliver(fetched(0n, 5n)), "pause")
  assert.strictEqual(deliver({ ...fetched(5n, 9n), generation: 2 }), "fetch")
  assert.strictEqual(deliver({ ...fetched(5n, 9n), generation: 2, partition: 1 }), "pause", "nobody has that one")
  assert.deepStrictEqual(log, ["2: 5"])
})

/** Runs what each assignment starts: it says when it begins, and takes a second to end. */
const folded = Effect.gen(function*() {
  const log: Array<string> = []
  const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
  const runners = new Map<number, Runner>()
  const membership: Membership = {
    events,
    seek: () => Effect.void,
    pause: () => Effect.void,
    resume: () => Effect.void,
    confirmed: Effect.void,
    commit: () => Effect.void
  }
  const run = ({ generation }: GroupEvent) =>
    Effect.gen(function*() {
      log.push(`${generation} begins`)
      runners.set(0, runner(generation, log))
      return yield* Effect.never
    }).pipe(Effect.onInterrupt(() =>
      Effect.zipRight(Effect.sleep("1 second"), Effect.sync(() => void log.push(`${generation} has ended`)))
    ))
  yield* Effect.forkScoped(foldAssignments(membership, runners, yield* Deferred.make<never>(), run))
  const assign = (generation: number) =>
    Effect.zipRight(events.offer(GroupEvent.Assigned({ generation, partitions: [0] })), Effect.sleep("100 millis"))
  return { assign, log, runners }
})

it("what runs ends before the next assignment begins", () =>
  simulate(Effect.gen(function*() {
    const { assign, log } = yield* folded
    yield* assign(1)
    yield* assign(2)
    yield* Effect.sleep("5 seconds")
    assert.deepStrictEqual(log, ["1 begins", "1 has ended", "2 begins"])
  })))

it("from a new assignment on nothing goes to the writers before", () =>
  simulate(Effect.gen(function*() {
    const { assign, log, runners } = yield* folded
    yield* assign(1)
    assert.strictEqual(deliverTo(runners)(fetched(0n, 5n)), "fetch")
    yield* assign(2)
    assert.strictEqual(deliverTo(runners)(fetched(5n, 9n)), "pause", "the one before is still about to end")
    assert.deepStrictEqual(log, ["1 begins", "1: 0"])
  })))
