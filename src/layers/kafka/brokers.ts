/**
 * What our consumers change in kafkajs, on the brokers of their own cluster only: kafkajs keeps the connections, the
 * metadata, the group protocol and the loop that fetches and sends heartbeats; the fetch itself is ours. It has no hook
 * for that: its events come too late (REBALANCING after all handlers), not at all (a failed heartbeat), or without what
 * is needed (END_BATCH_PROCESS does not tell the offset that was asked for).
 */
import { isConnectionError, typeOf } from "./errors.js"
import type { Broker, Cluster, FetchRequest, JoinRequest, JoinResponse } from "./internals.js"
import { errorOfCode, requests } from "./library.js"

export interface BrokerHooks {
  /** A JoinGroup is about to be sent: whatever was held is over. The join waits for the promise. */
  readonly onJoining: () => Promise<void>
  /** The coordinator has named the new member, which exists for it from now on; the join waits for the promise. */
  readonly onMemberId: (memberId: string) => Promise<void>
  readonly onJoined: (broker: Broker, response: JoinResponse) => void
  readonly onLeft: (memberId: string) => Promise<void>
  /** Called when a heartbeat is sent; what it answers is called with the error or, if it was accepted, undefined. */
  readonly onHeartbeat: () => (error: unknown) => void
  /** The member must join again, though its coordinator says nothing of it. */
  readonly mustJoin: () => boolean
  /** Fetches and delivers; the request says which partitions this broker leads and how large the answer may be. */
  readonly fetch: (broker: Broker, request: FetchRequest) => Promise<void>
}

/** kafkajs asks the cluster for a broker before each fetch and each join; all its ways lead through `findBroker`. */
export const hookCluster = (cluster: Cluster, hooks: BrokerHooks): void => {
  const hooked = new WeakSet<Broker>()
  const own: OwnMember = { id: undefined }
  const findBroker = cluster.findBroker.bind(cluster)
  cluster.findBroker = async (node) => {
    const broker = await findBroker(node)
    if (!hooked.has(broker)) {
      hooked.add(broker)
      hookBroker(cluster, broker, own, hooks)
    }
    return broker
  }
}

/**
 * What the coordinator knows this member by. kafkajs forgets it when it crashes and starts again, and would join as
 * somebody else; the group would wait for the member that it was until its session ends.
 */
interface OwnMember {
  id: string | undefined
}

const hookBroker = (cluster: Cluster, broker: Broker, own: OwnMember, hooks: BrokerHooks): void => {
  const joinGroup = broker.joinGroup.bind(broker)
  const heartbeat = broker.heartbeat.bind(broker)
  const leaveGroup = broker.leaveGroup.bind(broker)
  broker.joinGroup = async (request) => {
    await hooks.onJoining()
    own.id = request.memberId || own.id || await newMemberId(broker, request)
    await hooks.onMemberId(own.id)
    try {
      const response = await joinGroup({ ...request, memberId: own.id })
      hooks.onJoined(broker, response)
      return response
    } catch (error) {
      // kafkajs joins again without an id then; it must get a new one.
      if (typeOf(error) === "UNKNOWN_MEMBER_ID") own.id = undefined
      throw error
    }
  }
  broker.leaveGroup = async (request) => {
    const answer = await leaveGroup(request)
    own.id = undefined
    await hooks.onLeft(request.memberId)
    return answer
  }
  broker.heartbeat = async (request) => {
    const onAnswer = hooks.onHeartbeat()
    let answer
    try {
      answer = await heartbeat(request)
    } catch (error) {
      onAnswer(error)
      if (isConnectionError(error) && await hasMoved(cluster, broker, request.groupId)) {
        throw errorOfCode(notCoordinatorCode)
      }
      throw error
    }
    onAnswer(undefined)
    if (hooks.mustJoin()) throw errorOfCode(rebalanceInProgressCode)
    return answer
  }
  broker.fetch = async (request) => {
    await hooks.fetch(broker, request)
    // For kafkajs nothing ever comes, which is when it sends its heartbeats.
    return { responses: [] }
  }
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

/**
 * Whether another broker coordinates the group now. kafkajs looks for the coordinator only when it joins, and a
 * heartbeat that cannot be sent is no reason to join for it: it would try the dead broker for ever, its session long
 * ended. Told NOT_COORDINATOR instead, it joins again.
 */
const hasMoved = async (cluster: Cluster, broker: Broker, groupId: string): Promise<boolean> => {
  try {
    const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId, coordinatorType: 0 })
    return String(coordinator.nodeId) !== String(broker.nodeId)
  } catch {
    // Nobody can tell now; the next heartbeat asks again.
    return false
  }
}

const notCoordinatorCode = 16
const rebalanceInProgressCode = 27
