import { assert, it } from "@effect/vitest"
import { createRequire } from "node:module"
import { connect } from "node:net"
import { vi } from "vitest"
import { patient } from "../../../src/layers/kafka/client.js"
import { KafkaBroker, kafkajs, makeConnectionPoolBuilder } from "../../../src/layers/kafka/library.js"
import { requireVersion } from "../../../src/layers/kafka/patches.js"
import { listenSilently } from "./silentBroker.js"

const require = createRequire(import.meta.url)

it("refuses any other version of kafkajs, and names both", () => {
  requireVersion("2.2.4")
  assert.throws(() => requireVersion("2.3.0"), /kafkajs 2\.3\.0 .* 2\.2\.4/)
})

const makeQueue = ({ throttleMs = 0, inFlightMax = 10 }) => {
  const RequestQueue = require("kafkajs/src/network/requestQueue")
  const queue = new RequestQueue({
    maxInFlightRequests: inFlightMax,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: "c",
    broker: "b:1",
    logger: new kafkajs.Kafka({ brokers: ["b:1"], logLevel: kafkajs.logLevel.NOTHING }).logger()
  })
  const told = { checked: 0 }
  const check = queue.checkPendingRequests.bind(queue)
  queue.checkPendingRequests = () => {
    told.checked++
    check()
  }
  queue.maybeThrottle(throttleMs)
  if (inFlightMax === 0) queue.pending.push("a request that waits")
  queue.scheduleCheckPendingRequests()
  return told
}

it("an idle connection sets no timer; one that is throttled, or full, looks again later", () => {
  vi.useFakeTimers({ now: 1000 })
  try {
    const idle = makeQueue({})
    const throttled = makeQueue({ throttleMs: 200 })
    const full = makeQueue({ inFlightMax: 0 })
    vi.advanceTimersByTime(199)
    assert.deepStrictEqual([idle.checked, throttled.checked, full.checked], [0, 0, 19])
    vi.advanceTimersByTime(1)
    assert.deepStrictEqual([idle.checked, throttled.checked, full.checked], [0, 1, 20])
  } finally {
    vi.useRealTimers()
  }
})

it("a broker that takes connections and answers nothing is not connected, and is asked on a new connection", async () => {
  const silent = await listenSilently()
  try {
    const logger = new kafkajs.Kafka({ brokers: ["none:1"], logLevel: kafkajs.logLevel.NOTHING }).logger()
    const pools = makeConnectionPoolBuilder({
      brokers: [],
      clientId: "test",
      logger,
      connectionTimeout: 3000,
      requestTimeout: 50,
      enforceRequestTimeout: true,
      socketFactory: ({ host, onConnect, port }) =>
        connect(port, host).on("connect", () => {
          onConnect()
          // Nobody knows yet what it may be sent.
          isConnected.push(broker.isConnected())
        })
    })
    const connectionPool = await pools.build({ host: "127.0.0.1", port: silent.port })
    const broker = new KafkaBroker({ logger, allowAutoTopicCreation: false, connectionPool })
    const isConnected: Array<boolean> = []
    for (const attempt of [1, 2]) {
      const error: unknown = await broker.connect().catch((reason: unknown) => reason)
      assert.strictEqual(error instanceof Error && error.name, "KafkaJSRequestTimeoutError")
      assert.isFalse(broker.isConnected())
      assert.deepStrictEqual([silent.accepted(), isConnected], [attempt, Array(attempt).fill(false)])
    }
  } finally {
    silent.close()
  }
})

it("kafkajs's own request queue is corrected as soon as it is loaded: with nothing to do it sets no timer", () => {
  const RequestQueue = require("kafkajs/src/network/requestQueue")
  vi.useFakeTimers({ now: 1000 })
  try {
    const queue = new RequestQueue({
      maxInFlightRequests: null,
      requestTimeout: 1000,
      enforceRequestTimeout: false,
      clientId: "c",
      broker: "b:1",
      logger: new kafkajs.Kafka({ brokers: ["b:1"], logLevel: kafkajs.logLevel.NOTHING }).logger(),
      isConnected: () => true
    })
    queue.scheduleCheckPendingRequests()
    queue.checkPendingRequests()
    assert.strictEqual(vi.getTimerCount(), 0)
  } finally {
    vi.useRealTimers()
  }
})

it("a retry counter that no success resets never ends the client, and its wait never grows beyond a second or so", async () => {
  const createRetry = require("kafkajs/src/retry")
  vi.useFakeTimers({ now: 0 })
  try {
    let failures = 0
    let longestMs = 0
    const done = createRetry(patient)(async (_: unknown, count: number, waitMs: number) => {
      longestMs = Math.max(longestMs, waitMs)
      if (count === 500) return count
      failures++
      throw Object.assign(new Error("a broker is away"), { retriable: true })
    })
    await vi.advanceTimersByTimeAsync(500 * 1300)
    assert.isAtMost(longestMs, 1300)
    assert.strictEqual(await done, 500)
    assert.strictEqual(failures, 500)
  } finally {
    vi.useRealTimers()
  }
})

it("a consumer that stops while brokers come has no fetcher left that asks for ever", async () => {
  const Runner = require("kafkajs/src/consumer/runner")
  let nodes = [1, 2]
  let looks = 0
  const answers: Array<() => void> = []
  const runner = new Runner({
    logger: new kafkajs.Kafka({ brokers: ["b:1"], logLevel: kafkajs.logLevel.NOTHING }).logger(),
    instrumentationEmitter: { emit: () => {} },
    concurrency: 1,
    onCrash: () => {},
    consumerGroup: {
      connect: async () => {},
      joinAndSync: async () => {},
      heartbeat: async () => {},
      leave: async () => {},
      getNodeIds: () => {
        // In microtasks alone nothing could end the test.
        if (++looks > 1000) throw new Error("it asks for ever")
        return nodes
      },
      fetch: () => new Promise((resolve) => answers.push(() => resolve([])))
    }
  })
  await runner.start()
  const [first, second] = answers
  nodes = [1, 2, 3]
  first?.() // this fetcher sees the third broker, and all are to be made anew when the other has its answer
  await new Promise(setImmediate)
  const stopped = runner.stop()
  second?.()
  await stopped
  assert.isBelow(looks, 20)
})
