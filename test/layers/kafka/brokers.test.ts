import { assert, describe, it } from "@effect/vitest"
import { type BrokerHooks, hookCluster } from "../../../src/layers/kafka/brokers.js"
import type { Broker, Cluster } from "../../../src/layers/kafka/internals.js"
import { errorOfCode } from "../../../src/layers/kafka/library.js"

const connectionError = Object.assign(new Error("connect ECONNREFUSED"), { name: "KafkaJSConnectionError" })
const memberIdRequired = (memberId: string) => Object.assign(new Error("MEMBER_ID_REQUIRED"), { memberId })
const unknownMemberCode = 25

const unused = async () => {
  throw new Error("not used here")
}

/** Broker 1 of a cluster whose coordinator is `coordinatorId`; what happens is written down in order. */
const make = async (coordinatorId: number) => {
  const seen: Array<string> = []
  let failure: Error | undefined
  let mustJoin = false
  let ids = 0
  const respond = async (what: string) => {
    seen.push(what)
    if (failure !== undefined) throw failure
    return {}
  }
  const raw = {
    nodeId: 1,
    brokerAddress: "b:1",
    versions: null,
    connectionPool: {
      send: async () => {
        seen.push("join without an id")
        throw memberIdRequired(`m${++ids}`)
      }
    },
    isConnected: () => true,
    connect: async () => {},
    disconnect: async () => {},
    fetch: unused,
    joinGroup: async ({ memberId = "" }) => {
      await respond(`join as ${memberId}`)
      return { generationId: 1, memberId }
    },
    heartbeat: () => respond("heartbeat"),
    leaveGroup: () => respond("leave"),
    describeGroups: unused,
    offsetCommit: unused,
    offsetFetch: unused,
    listOffsets: unused,
    createTopics: unused,
    findGroupCoordinator: unused
  } satisfies Broker
  const cluster: Cluster = {
    findBroker: async () => raw,
    findGroupCoordinatorMetadata: async () => ({ coordinator: { nodeId: coordinatorId } }),
    brokerPool: { seedBroker: undefined }
  }
  const hooks: BrokerHooks = {
    onJoining: async () => {
      seen.push("old generation over")
    },
    onMemberId: async (memberId) => {
      seen.push(`${memberId} is known`)
    },
    onJoined: (_, { memberId }) => seen.push(`${memberId} has joined`),
    onLeft: async (memberId) => {
      seen.push(`${memberId} has left`)
    },
    onHeartbeat: () => (error) => seen.push(error === undefined ? "accepted" : "refused"),
    mustJoin: () => mustJoin,
    fetch: async () => {}
  }
  hookCluster(cluster, hooks)
  const broker: Broker = await cluster.findBroker({ nodeId: 1 })
  return {
    broker,
    seen,
    answerWith: (error?: Error) => (failure = error),
    endGeneration: () => {
      mustJoin = true
    }
  }
}
const rejection = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error)

describe("a join", () => {
  it("ends the old generation, and makes the member's id known before the coordinator waits for it", async () => {
    const { broker, seen } = await make(1)
    await broker.joinGroup({ groupId: "g", memberId: "" })
    assert.deepStrictEqual(seen, [
      "old generation over",
      "join without an id",
      "m1 is known",
      "join as m1",
      "m1 has joined"
    ])
  })

  it("that failed is repeated as the same member, unless the coordinator does not know it or it has left", async () => {
    const { answerWith, broker, seen } = await make(1)
    const join = () => rejection(broker.joinGroup({ groupId: "g", memberId: "" }))
    answerWith(connectionError)
    await join()
    await join()
    answerWith(errorOfCode(unknownMemberCode))
    await join()
    answerWith()
    await join()
    await broker.leaveGroup({ groupId: "g", memberId: "m2" })
    await join()
    assert.deepStrictEqual(seen.filter((what) => what.startsWith("join as")), [
      "join as m1",
      "join as m1",
      "join as m1",
      "join as m2",
      "join as m3"
    ])
  })
})

describe("a heartbeat", () => {
  it("that cannot be sent becomes NOT_COORDINATOR, so that kafkajs joins again, where the group has another coordinator now", async () => {
    const { answerWith, broker } = await make(2)
    answerWith(connectionError)
    const error = await rejection(broker.heartbeat({ groupId: "g", groupGenerationId: 1, memberId: "m" }))
    assert.propertyVal(error, "type", "NOT_COORDINATOR_FOR_GROUP")
  })

  it("is REBALANCE_IN_PROGRESS where it is accepted though the generation has ended, so that kafkajs joins again", async () => {
    const { broker, endGeneration, seen } = await make(1)
    const heartbeat = () => rejection(broker.heartbeat({ groupId: "g", groupGenerationId: 1, memberId: "m" }))
    assert.isUndefined(await heartbeat())
    endGeneration()
    assert.propertyVal(await heartbeat(), "type", "REBALANCE_IN_PROGRESS")
    assert.deepStrictEqual(seen, ["heartbeat", "accepted", "heartbeat", "accepted"])
  })

  it("that cannot be sent stays what it is where the coordinator is the same, which may come back", async () => {
    const { answerWith, broker, seen } = await make(1)
    answerWith(connectionError)
    const error = await rejection(broker.heartbeat({ groupId: "g", groupGenerationId: 1, memberId: "m" }))
    assert.strictEqual(error, connectionError)
    assert.deepStrictEqual(seen, ["heartbeat", "refused"])
  })
})
