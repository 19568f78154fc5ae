import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describe } from "vitest"
import { type AppendFailed, makeAppend } from "../../../src/layers/kafka/appending.js"
import type { Broker } from "../../../src/layers/kafka/internals.js"
import type { Nodes } from "../../../src/layers/kafka/nodes.js"
import type { Topics } from "../../../src/layers/kafka/topics.js"

const unused = async () => {
  throw new Error("not used here")
}
const nowhere = Effect.die("not used here")
const layout = { clusterId: "c", controllerId: 1, nodes: new Map(), errorCode: 0, topic: "t", topicId: "" }

/** `topic "t", partition 0`, this error code and base offset 7. */
const answerOf = (code: number) => {
  const answer = Buffer.from("000000010001740000000100000000 0000 0000000000000007".replaceAll(" ", ""), "hex")
  answer.writeInt16BE(code, 15)
  return answer
}

/** One batch for a leader that answers so, try after try. */
const append = (...codes: ReadonlyArray<number>) =>
  Effect.suspend(() => {
    const left = [...codes]
    const leader: Broker = {
      nodeId: 1,
      brokerAddress: "b:1",
      versions: null,
      connectionPool: {
        send: async ({ response }) => response.decode(answerOf(left.shift() ?? 0))
      },
      isConnected: () => true,
      connect: unused,
      disconnect: unused,
      fetch: unused,
      joinGroup: unused,
      heartbeat: unused,
      leaveGroup: unused,
      describeGroups: unused,
      offsetCommit: unused,
      offsetFetch: unused,
      listOffsets: unused,
      createTopics: unused,
      findGroupCoordinator: unused
    }
    const nodes: Nodes = {
      any: nowhere,
      at: () => nowhere,
      coordinator: () => nowhere,
      transactionCoordinator: () => nowhere,
      reset: Effect.void,
      request: (_doing, send) => Effect.promise(send),
      ask: (broker, _doing, send) => Effect.promise(() => send(broker))
    }
    const known = Effect.succeed({ ...layout, internal: false, partitions: [] })
    const topics: Topics = {
      layout: () => known,
      firstLayout: () => known,
      leader: () => Effect.succeed(leader),
      forget: () => Effect.void
    }
    const options = { brokers: ["b:1"], codec: undefined, acks: -1, requestTimeoutMs: 1, retryBackoffMs: 0 } as const
    return makeAppend(nodes, topics, { ...options, retries: codes.length - 1 })(
      { topic: "t", partition: 0 },
      [{ offset: 0n, timestampMs: 1, key: null, value: null, headers: [] }]
    )
  })

const failure = ({ code, error, inDoubt }: AppendFailed) => [code, error._tag, inDoubt]

// KAFKA: a leader that steps down while it waits for its followers answers 6 (DelayedProduce), 3 if the replica has left.
describe("what is given up", () => {
  it.effect("may be in the log, unless its leader refused it before it appended", () =>
    Effect.gen(function*() {
      for (const code of [-1, 3, 6, 7, 20, 56]) {
        assert.deepStrictEqual(failure(yield* Effect.flip(append(code))), [code, "KafkaUnavailable", true])
      }
      assert.deepStrictEqual(failure(yield* Effect.flip(append(19))), [19, "KafkaUnavailable", false])
      for (const code of [10, 29, 45, 47]) {
        assert.deepStrictEqual(failure(yield* Effect.flip(append(code))), [code, "KafkaRefused", false])
      }
    }))

  it.live("stays in doubt when a later try is refused", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(failure(yield* Effect.flip(append(6, 45))), [45, "KafkaRefused", true])
    }))
})

it.live("a number that is taken is an earlier try of the batch, and without one an error: the batch is not there", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* append(7, 46), { partition: 0, baseOffset: undefined, count: 1 })
    assert.deepStrictEqual(failure(yield* Effect.flip(append(46))), [46, "KafkaRefused", false])
    assert.deepStrictEqual(yield* append(6, 0), { partition: 0, baseOffset: 7n, count: 1 })
  }))
