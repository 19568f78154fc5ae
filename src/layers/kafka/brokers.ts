/**
 * What our consumers change in kafkajs, on the brokers of their own cluster only. kafkajs has no hook for these: its
 * events come too late (REBALANCING after all handlers), not at all (a failed heartbeat), or without what is needed
 * (END_BATCH_PROCESS does not tell the offset that was asked for).
 */
import { decodeFetchResponse, type FetchResponse, type PartitionResponse } from "./fetchResponse.js"
import type { Broker, Cluster, FetchRequest, HeartbeatRequest, JoinRequest, JoinResponse } from "./internals.js"
import { requests } from "./library.js"

export interface BrokerHooks {
  /** A JoinGroup is about to be sent: whatever was held is over. */
  readonly onJoining: () => void
  /** The coordinator has named the new member, which exists for it from now on; the join waits for the promise. */
  readonly onMemberId: (memberId: string) => Promise<void>
  readonly onJoined: (broker: Broker, response: JoinResponse) => void
  readonly onLeft: (memberId: string) => void
  /** Called when a heartbeat is sent; what it answers is called with the error or, if it was accepted, undefined. */
  readonly onHeartbeat: () => (error: unknown) => void
  /** The log does not hold the offset that was asked for. kafkajs is not told, because it would reset the position. */
  readonly onOutOfRange: (broker: Broker, partition: number, fetchedOffset: bigint) => void
}

/** kafkajs asks the cluster for a broker before each fetch and each join; all its ways lead through `findBroker`. */
export const hookCluster = (cluster: Cluster, hooks: BrokerHooks): void => {
  const hooked = new WeakSet<Broker>()
  const findBroker = cluster.findBroker.bind(cluster)
  cluster.findBroker = async (node) => {
    const broker = await findBroker(node)
    if (!hooked.has(broker)) {
      hooked.add(broker)
      hookBroker(broker, hooks)
    }
    return broker
  }
}

const hookBroker = (broker: Broker, hooks: BrokerHooks): void => {
  const joinGroup = broker.joinGroup.bind(broker)
  const heartbeat = broker.heartbeat.bind(broker)
  const leaveGroup = broker.leaveGroup.bind(broker)
  let turn = 0
  broker.joinGroup = async (request: JoinRequest) => {
    hooks.onJoining()
    const memberId = request.memberId ? request.memberId : await newMemberId(broker, request)
    await hooks.onMemberId(memberId)
    const response = await joinGroup({ ...request, memberId })
    hooks.onJoined(broker, response)
    return response
  }
  broker.leaveGroup = async (request) => {
    const answer = await leaveGroup(request)
    hooks.onLeft(request.memberId)
    return answer
  }
  broker.heartbeat = async (request: HeartbeatRequest) => {
    const onAnswer = hooks.onHeartbeat()
    try {
      const answer = await heartbeat(request)
      onAnswer(undefined)
      return answer
    } catch (error) {
      onAnswer(error)
      throw error
    }
  }
  broker.fetch = (request: FetchRequest) => fetch(broker, request, turn++, hooks)
}

/**
 * A member is created in two steps (KIP-394): a join without an id is refused with the id to join with. kafkajs takes
 * both steps in one function; here the id is known in between, so that a process killed while it waits for the others
 * can be removed by its successor too.
 */
const newMemberId = async (broker: Broker, request: JoinRequest): Promise<string> => {
  const protocol = requests.JoinGroup.protocol({ version: joinGroupVersion })
  try {
    await broker.connectionPool.send(protocol({ protocolType: "consumer", ...request, memberId: "" }))
  } catch (error) {
    if (error instanceof Error && "memberId" in error && typeof error.memberId === "string") return error.memberId
    throw error
  }
  throw new Error("the coordinator let a member join without an id")
}

/** The newest that kafkajs can write; brokers from 2.3 on speak it. */
export const joinGroupVersion = 5

/** Fetch in version 11: the newest that kafkajs can write, spoken by brokers from 2.3 on. */
export const fetchVersion = 11
const outOfRangeCode = 1

const fetch = async (
  broker: Broker,
  request: FetchRequest,
  turn: number,
  hooks: BrokerHooks
): Promise<FetchResponse> => {
  const offsets = new Map(
    request.topics.flatMap(({ partitions, topic }) =>
      partitions.map(({ fetchOffset, partition }) => [`${topic}-${partition}`, BigInt(fetchOffset)] as const)
    )
  )
  const asked = (topic: string, partition: number) => offsets.get(`${topic}-${partition}`) ?? 0n
  const inTurn = { ...request, topics: request.topics.map((topic) => rotated(topic, turn)) }
  const protocol = requests.Fetch.protocol({ version: fetchVersion })(inTurn)
  let decoded: FetchResponse | undefined
  try {
    await broker.connectionPool.send({
      ...protocol,
      response: {
        decode: async (payload) => {
          decoded = withoutOutOfRange(
            decodeFetchResponse(payload, asked),
            (topic, partition) => hooks.onOutOfRange(broker, partition, asked(topic, partition))
          )
          return decoded
        },
        parse: protocol.response.parse
      }
    })
  } catch (error) {
    // As Broker.sendRequest of kafkajs does: a broker that has closed one connection is connected again from the start.
    if (error instanceof Error && error.name === "KafkaJSConnectionClosedError") await broker.disconnect()
    throw error
  }
  if (decoded === undefined) throw new Error("a Fetch request ended without an answer")
  return decoded
}

/** The broker fills its answer in the order of the request: each partition is first in its turn (KIP-74). */
const rotated = (topic: FetchRequest["topics"][number], turn: number): FetchRequest["topics"][number] => {
  const first = turn % Math.max(1, topic.partitions.length)
  return { ...topic, partitions: [...topic.partitions.slice(first), ...topic.partitions.slice(0, first)] }
}

const withoutOutOfRange = (
  response: FetchResponse,
  onOutOfRange: (topic: string, partition: number) => void
): FetchResponse => {
  const isHeld = (topic: string) => ({ errorCode, partition }: PartitionResponse) => {
    if (errorCode !== outOfRangeCode) return true
    onOutOfRange(topic, partition)
    return false
  }
  const responses = response.responses.map(({ partitions, topicName }) => ({
    topicName,
    partitions: partitions.filter(isHeld(topicName))
  }))
  return { ...response, responses }
}
