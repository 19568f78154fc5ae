import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import type * as Net from "node:net"
import { afterAll, afterEach, beforeAll, vi } from "vitest"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { type HoldingProxy, startHolding } from "./holdingProxy.js"
import { freshTopic, keyed, layersOf, member, pending, uniqueName } from "./support.js"

vi.mock("node:net", async (original) => {
  const { detoured } = await import("./detour.js")
  return detoured(await original<typeof Net>())
})

describeWith(["kafka"], "the end of a membership whose broker is silent", (servers) => {
  const live = layersOf(servers.kafka)
  let proxy: HoldingProxy
  beforeAll(async () => {
    proxy = await startHolding(servers.kafka)
  })
  afterEach(() => proxy.release())
  afterAll(() => proxy.close())

  /** A member in a scope of its own, whose fetch of three records has no answer yet. */
  const waitingMember = (hold: "fetches" | "all") =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      yield* (yield* Producer).send(topic, keyed(0, 3))
      const scope = yield* Scope.make()
      const reader = yield* Scope.extend(member(topic, uniqueName("group")), scope)
      yield* reader.assigned
      proxy.hold(hold)
      yield* reader.readFrom(0, 0n)
      yield* Effect.promise(proxy.held)
      return { ...reader, close: Scope.close(scope, Exit.void) }
    })

  it.live("what was fetched before the end and comes after it is handed to nobody", () =>
    Effect.gen(function*() {
      const reader = yield* waitingMember("fetches")
      const closing = yield* Effect.fork(reader.close)
      yield* Effect.yieldNow()
      // The member leaves when its fetch is answered.
      proxy.release()
      yield* Fiber.join(closing)
      assert.isEmpty(yield* pending(reader.batches))
    }).pipe(Effect.provide(live)))

  // kafkajs waits for the answer of the fetch, then for that of LeaveGroup, then for all others (tulios/kafkajs#967).
  it.live("leaving ends at its deadline of 10 s where nothing is answered any more", () =>
    Effect.gen(function*() {
      const reader = yield* waitingMember("all")
      // Without it the fetch ends by its time-out of 15 s, and LeaveGroup, which is sent then, by its own.
      yield* Effect.timeout(reader.close, "25 seconds")
      proxy.release()
      assert.isEmpty(yield* pending(reader.batches))
    }).pipe(Effect.provide(live)))
})
