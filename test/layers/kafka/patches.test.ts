import { assert, it } from "@effect/vitest"
import { vi } from "vitest"
import { type RequestQueueClass, requireVersion, withoutTimerLoop } from "../../../src/layers/kafka/patches.js"

it("refuses any other version of kafkajs, and names both", () => {
  requireVersion("2.2.4")
  assert.throws(() => requireVersion("2.3.0"), /kafkajs 2\.3\.0 .* 2\.2\.4/)
})

const makeQueue = (pending: ReadonlyArray<unknown>, throttledUntil: number) => {
  const queueClass: RequestQueueClass = { prototype: { scheduleCheckPendingRequests() {} } }
  withoutTimerLoop(queueClass)
  const queue = {
    throttleCheckTimeoutId: null,
    throttledUntil,
    pending,
    checked: 0,
    checkPendingRequests() {
      queue.checked++
      queueClass.prototype.scheduleCheckPendingRequests.call(queue)
    }
  }
  queueClass.prototype.scheduleCheckPendingRequests.call(queue)
  return queue
}

it("an idle connection sets no timer; one that is throttled, or full, looks again later", () => {
  vi.useFakeTimers({ now: 1000 })
  try {
    const idle = makeQueue([], -1)
    const throttled = makeQueue([], 1200)
    const full = makeQueue([1], -1)
    vi.advanceTimersByTime(199)
    assert.deepStrictEqual([idle.checked, throttled.checked, full.checked], [0, 0, 19])
    vi.advanceTimersByTime(1)
    assert.deepStrictEqual([idle.checked, throttled.checked, full.checked], [0, 1, 20])
  } finally {
    vi.useRealTimers()
  }
})
