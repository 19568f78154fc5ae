import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit } from "effect"
import { makeAtServer, type MemoryProcess, startProcess } from "../../../src/layers/memory/MemoryProcess.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"

/** Says the second of each of its beats, and how it ended. */
const beating = (said: Array<string>) =>
  Effect.gen(function*() {
    yield* Effect.sleep("1 second")
    said.push(`beat ${(yield* Clock.currentTimeMillis) / 1000}`)
  }).pipe(
    Effect.forever,
    Effect.onExit(() => Effect.sync(() => said.push("finalizer")))
  )

describe("a simulated process", () => {
  it("is interrupted by SIGTERM, and its finalizers run to their end", () =>
    simulate(Effect.gen(function*() {
      const said: Array<string> = []
      const slowEnd = Effect.zipRight(Effect.sleep("5 seconds"), Effect.sync(() => said.push("done")))
      const process = yield* startProcess(Effect.ensuring(beating(said), slowEnd))
      yield* Effect.sleep(2500)
      yield* process.stop
      assert.deepStrictEqual(said, ["beat 1", "beat 2", "finalizer", "done"])
      assert.strictEqual(yield* Clock.currentTimeMillis, 7500)
      assert.isTrue(Exit.isInterrupted(yield* process.exit))
    })))

  it("does nothing more after SIGKILL, no finalizer either, nor do the fibers that it has started", () => {
    const said: Array<string> = []
    const child: Array<string> = []
    simulate(Effect.gen(function*() {
      const process = yield* startProcess(Effect.all([beating(said), beating(child)], { concurrency: 2 }))
      yield* Effect.sleep(2500)
      yield* process.kill
      yield* process.thaw
      yield* Effect.sleep("1 hour")
      assert.deepStrictEqual([said, child], [["beat 1", "beat 2"], ["beat 1", "beat 2"]])
    }))
    assert.lengthOf(said, 2, "nor when the simulation ends")
  })

  it("can be killed by itself, between two statements", () =>
    simulate(Effect.gen(function*() {
      const said: Array<string> = []
      const self = yield* Deferred.make<MemoryProcess<void, never>>()
      const process = yield* startProcess(Effect.gen(function*() {
        const { kill } = yield* Deferred.await(self)
        said.push("before")
        yield* kill
        said.push("after")
      }))
      yield* Deferred.succeed(self, process)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(said, ["before"])
    })))

  it("stands still after SIGSTOP, while its time goes on, and goes on where it was", () =>
    simulate(Effect.gen(function*() {
      const said: Array<string> = []
      const process = yield* startProcess(beating(said))
      yield* Effect.sleep(2500)
      yield* process.freeze
      yield* Effect.sleep("1 minute")
      assert.lengthOf(said, 2)
      yield* process.thaw
      yield* Effect.sleep(1)
      assert.deepStrictEqual(said, ["beat 1", "beat 2", "beat 62.5"], "what was due is late, not repeated")
      yield* process.stop
      assert.strictEqual(said.at(-1), "finalizer")
    })))

  it("neither a killed nor a frozen process keeps a simulation from its end", () => {
    for (const signal of ["kill", "freeze"] as const) {
      const ended = simulate(Effect.gen(function*() {
        const process = yield* startProcess(Effect.ensuring(Effect.never, Effect.never))
        yield* Effect.sleep("1 second")
        yield* process[signal]
        return "ended"
      }))
      assert.strictEqual(ended, "ended")
    }
  })

  it("what a server does for it is done to the end, and no lock stays taken", () =>
    simulate(Effect.gen(function*() {
      const atServer = yield* makeAtServer
      const lock = yield* Effect.makeSemaphore(1)
      const said: Array<string> = []
      const request = (name: string) =>
        Effect.zipRight(Effect.sleep("10 seconds"), Effect.sync(() => said.push(`${name} done`))).pipe(
          lock.withPermits(1),
          atServer,
          Effect.zipRight(Effect.sync(() => said.push(`${name} told`)))
        )
      const killed = yield* startProcess(request("killed"))
      const frozen = yield* startProcess(request("frozen"))
      yield* Effect.sleep("1 second")
      yield* killed.kill
      yield* frozen.freeze
      yield* request("main")
      assert.deepStrictEqual(said, ["killed done", "frozen done", "main done", "main told"])
      yield* frozen.thaw
      yield* frozen.exit
      assert.strictEqual(said.at(-1), "frozen told")
    })))
})
