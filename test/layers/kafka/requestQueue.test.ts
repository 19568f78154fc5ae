import { assert, it } from "@effect/vitest"
import { createRequire } from "node:module"
import { vi } from "vitest"
import { kafkajs, makeConnectionPoolBuilder, requests } from "../../../src/layers/kafka/library.js"
import { makeSockets } from "../../../src/layers/kafka/sockets.js"
import { listenSilently } from "./silentBroker.js"

const require = createRequire(import.meta.url)

const logger = () => new kafkajs.Kafka({ brokers: ["none:1"], logLevel: kafkajs.logLevel.NOTHING }).logger()

const requestTimeoutMs = 1000
const daysMs = 24 * 3600 * 1000

/** kafkajs's own queue, as it is corrected; `sent` counts the requests that went out, `failed` says what has ended them. */
const makeQueue = () => {
  const RequestQueue = require("kafkajs/src/network/requestQueue")
  let isConnected = true
  const sent: Array<number> = []
  const failed: Array<string> = []
  const queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    clientId: "c",
    broker: "b:1",
    logger: logger(),
    isConnected: () => isConnected
  })
  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, resolve: () => {}, reject: (error: Error) => failed.push(error.name) },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId)
    })
  const disconnected = () => {
    isConnected = false
  }
  return { queue, push, sent, failed, disconnected }
}

const inFakeTime = async (run: () => void | Promise<void>) => {
  vi.useFakeTimers({ now: 10 * daysMs })
  try {
    await run()
  } finally {
    vi.useRealTimers()
  }
}

it("a request ends by its time-out though its connection has come to its end, and who waits for all answers goes on", () =>
  inFakeTime(async () => {
    const { disconnected, failed, push, queue } = makeQueue()
    queue.scheduleRequestTimeoutCheck()
    push(1)
    disconnected()
    let isEmpty = false
    queue.once("requestQueueEmpty", () => {
      isEmpty = true
    })
    queue.waitForPendingRequests()
    await vi.advanceTimersByTimeAsync(requestTimeoutMs)
    assert.deepStrictEqual([failed, isEmpty], [[], false])
    await vi.advanceTimersByTimeAsync(300)
    assert.deepStrictEqual([failed, isEmpty], [["KafkaJSRequestTimeoutError"], true])
    assert.strictEqual(vi.getTimerCount(), 0)
  }))

it("also where closing the connection has taken away all timers meanwhile", () =>
  inFakeTime(async () => {
    const { disconnected, failed, push, queue } = makeQueue()
    push(1)
    disconnected()
    queue.destroy()
    await vi.advanceTimersByTimeAsync(requestTimeoutMs + 300)
    assert.deepStrictEqual(failed, ["KafkaJSRequestTimeoutError"])
  }))

for (const [what, jumpMs] of [["back", -daysMs], ["forward", daysMs]] as const) {
  it(`a wall clock that jumps ${what} by a day neither keeps a request nor ends it`, () =>
    inFakeTime(async () => {
      const { failed, push } = makeQueue()
      push(1)
      await vi.advanceTimersByTimeAsync(requestTimeoutMs / 2)
      vi.setSystemTime(new Date().getTime() + jumpMs)
      await vi.advanceTimersByTimeAsync(requestTimeoutMs / 2)
      assert.deepStrictEqual(failed, [])
      await vi.advanceTimersByTimeAsync(300)
      assert.deepStrictEqual(failed, ["KafkaJSRequestTimeoutError"])
    }))

  it(`nor does one that jumps ${what} change how long a broker throttles`, () =>
    inFakeTime(async () => {
      const { push, queue, sent } = makeQueue()
      queue.maybeThrottle(500)
      push(1)
      vi.setSystemTime(new Date().getTime() + jumpMs)
      await vi.advanceTimersByTimeAsync(499)
      assert.deepStrictEqual(sent, [])
      await vi.advanceTimersByTimeAsync(20)
      assert.deepStrictEqual(sent, [1])
    }))
}

it("heartbeats go on after the wall clock was set back", () =>
  inFakeTime(async () => {
    const ConsumerGroup = require("kafkajs/src/consumer/consumerGroup")
    let beats = 0
    const group = new ConsumerGroup({
      retry: {},
      cluster: {},
      groupId: "g",
      topics: [],
      topicConfigurations: {},
      logger: logger(),
      instrumentationEmitter: { emit: () => {} },
      assigners: [],
      sessionTimeout: 6000,
      rebalanceTimeout: 6000
    })
    group.memberId = "m"
    group.coordinator = {
      heartbeat: async () => {
        beats++
      }
    }
    await vi.advanceTimersByTimeAsync(1000)
    await group.heartbeat({ interval: 1000 })
    vi.setSystemTime(new Date().getTime() - daysMs)
    await group.heartbeat({ interval: 1000 })
    await group.heartbeat({ interval: 1000 })
    assert.strictEqual(beats, 2)
    await vi.advanceTimersByTimeAsync(1000)
    await group.heartbeat({ interval: 1000 })
    assert.strictEqual(beats, 3)
  }))

it("metadata grows old after the wall clock was set back", () =>
  inFakeTime(async () => {
    const BrokerPool = require("kafkajs/src/cluster/brokerPool")
    const pool = new BrokerPool({ connectionPoolBuilder: {}, logger: logger(), retry: {}, metadataMaxAge: 60_000 })
    let asked = 0
    pool.refreshMetadata = async () => {
      asked++
      pool.metadata = { topicMetadata: [] }
      pool.metadataExpireAt = new Date().getTime() + 60_000
    }
    await pool.refreshMetadataIfNecessary([])
    await pool.refreshMetadataIfNecessary([])
    assert.strictEqual(asked, 1)
    vi.setSystemTime(new Date().getTime() - daysMs)
    await pool.refreshMetadataIfNecessary([])
    await pool.refreshMetadataIfNecessary([])
    assert.strictEqual(asked, 2)
  }))

const end = (sent: Promise<unknown>) =>
  sent.then(() => "answered", (error: unknown) => error instanceof Error ? error.name : "no error")

const connected = async (port: number, requestTimeout: number) => {
  const pools = makeConnectionPoolBuilder({
    brokers: [],
    clientId: "test",
    logger: logger(),
    connectionTimeout: 60_000,
    requestTimeout,
    enforceRequestTimeout: true,
    socketFactory: makeSockets(() => {}).factory
  })
  const connectionPool = await pools.build({ host: "127.0.0.1", port })
  return {
    fetch: (options: object) =>
      end(connectionPool.send({ ...requests.Fetch.protocol({ version: 11 })({ topics: [] }), ...options })),
    ask: (options = {}) => end(connectionPool.send({ ...requests.ListGroups.protocol({ version: 2 })({}), ...options }))
  }
}

/** As many turns of the event loop as real sockets take for it: few, however long each of them lasts. */
const turnsUntil = async (holds: () => boolean) => {
  for (let turn = 0; !holds(); turn++) {
    assert.isBelow(turn, 100_000)
    await new Promise(setImmediate)
  }
}

/** The requests' time stands still but while `ending` waits for the end of one: the sockets are real, and may take longer. */
const inTimeOfRequests = async (run: (ending: <A>(request: Promise<A>) => Promise<A>) => Promise<void>) => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] })
  try {
    await run(async (request) => {
      let hasEnded = false
      const answer = request.finally(() => {
        hasEnded = true
      })
      await turnsUntil(() => {
        vi.advanceTimersByTime(hasEnded ? 0 : 50)
        return hasEnded
      })
      return answer
    })
  } finally {
    vi.useRealTimers()
  }
}

it("a connection on which nothing was answered in time is given up, with the other to the same broker", async () => {
  const silent = await listenSilently()
  try {
    await inTimeOfRequests(async (ending) => {
      const { ask, fetch } = await connected(silent.port, 400)
      const asking = ask()
      await turnsUntil(() => silent.sockets.size === 1)
      // Fetches have a connection of their own, and this one's time is not over for long.
      const fetching = fetch({ requestTimeout: 60_000 })
      await turnsUntil(() => silent.sockets.size === 2)
      assert.strictEqual(await ending(asking), "KafkaJSRequestTimeoutError")
      await turnsUntil(() => silent.sockets.size === 0)
      assert.notStrictEqual(await fetching, "answered")
    })
  } finally {
    silent.close()
  }
})

it("but not for a request that has waited behind one that may take longer", async () => {
  const silent = await listenSilently()
  try {
    await inTimeOfRequests(async (ending) => {
      const { ask } = await connected(silent.port, 100)
      let joinEnded = false
      const joining = ask({ requestTimeout: 1000 }).finally(() => {
        joinEnded = true
      })
      await turnsUntil(() => silent.sockets.size === 1)
      assert.strictEqual(await ending(ask()), "KafkaJSRequestTimeoutError")
      assert.deepStrictEqual([joinEnded, silent.sockets.size], [false, 1])
      assert.strictEqual(await ending(joining), "KafkaJSRequestTimeoutError")
    })
  } finally {
    silent.close()
  }
})
