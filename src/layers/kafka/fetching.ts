import type { Isolation } from "../Consumer.js"
import {
  decodeFetchResponse,
  type DecodeLimits,
  decodeRecordSet,
  type FetchResponse,
  type PartitionResponse
} from "./fetchResponse.js"
import type { FetchPlan, GroupSession } from "./GroupSession.js"
import type { Broker, FetchRequest } from "./internals.js"
import { errorOfCode, requests } from "./library.js"
import { ownBytes } from "./ownBytes.js"

/** The newest that kafkajs can write; brokers from 2.3 on speak it. */
export const fetchVersion = 11

export const isolationLevels = { read_uncommitted: 0, read_committed: 1 } as const satisfies Record<Isolation, number>
const offsetOutOfRange = 1
/** After these kafkajs joins again: the leader is elsewhere, or the topic is gone. */
const staleCodes = new Set([3, 5, 6, 74, 75])
/** These do not pass by themselves: the user may not read the topic, or the cluster may not be used. */
const refusedCodes = new Set([29, 31])
/**
 * First wait of a fetch beside a paused partition; doubled as long as nothing comes. A broker answers one fetch of a
 * connection after the other, so that a partition which is resumed has to wait for those that have nothing.
 */
const waitBesidePausedMs = 20
/** Bytes of records after which everything else has its turn: an answer of 10 MiB takes a tenth of a second and more. */
const decodedInTurnMax = 1024 * 1024

export interface FetchOptions {
  readonly session: GroupSession
  readonly isolation: Isolation
  readonly limits: DecodeLimits
  /** The leader is elsewhere, or the topic is gone: the member will join again. */
  readonly onStale: (reason: string) => void
  /** Waits for a `resume`, at most as long as a fetch would wait. */
  readonly idle: () => Promise<void>
  /** Everything else that is due has its turn. */
  readonly yieldTurn: () => Promise<void>
  readonly onOutOfRange: (broker: Broker, plan: FetchPlan, partition: number) => void
  /** The broker has failed to read this partition, and may not the next time. */
  readonly onFailure: (plan: FetchPlan, partition: number, error: Error) => void
}

/** One fetch from one broker, in the place of kafkajs's: at our positions, delivered at once, nothing kept. */
export const makeFetch = (options: FetchOptions) => {
  const { idle, isolation, limits, onFailure, onOutOfRange, onStale, session, yieldTurn } = options
  let turn = 0
  let emptyInARow = 0
  return async (broker: Broker, request: FetchRequest): Promise<void> => {
    const partitions = request.topics.flatMap((topic) => topic.partitions.map(({ partition }) => partition))
    let plan = session.plan(partitions)
    if (plan === undefined) {
      await idle()
      plan = session.plan(partitions)
      if (plan === undefined) return
    }
    const fetchMs = request.maxWaitTime ?? 0
    const waitMs = plan.somePaused ? Math.min(fetchMs, waitBesidePausedMs * 2 ** emptyInARow) : fetchMs
    const response = await sendFetch(broker, {
      ...planned(request, plan, turn++, waitMs),
      isolationLevel: isolationLevels[isolation]
    })
    emptyInARow = response.partitions.every(({ recordSet }) => recordSet.length === 0) ? emptyInARow + 1 : 0
    let failed: Error | undefined
    let decoded = 0
    for (const answer of response.partitions) {
      const { errorCode, partition } = answer
      if (staleCodes.has(errorCode) || refusedCodes.has(errorCode)) {
        failed = errorOfCode(errorCode)
        onStale(failed.message)
      } else if (!session.isCurrent(plan, partition)) continue // an old error would pause what reads elsewhere now
      else if (errorCode === 0) decoded += await deliver(session, plan, answer, limits)
      else if (errorCode === offsetOutOfRange) onOutOfRange(broker, plan, partition)
      else onFailure(plan, partition, errorOfCode(errorCode))
      if (decoded < decodedInTurnMax) continue
      decoded = 0
      await yieldTurn()
    }
    // Last, so that the error of one partition does not throw away what came of the others.
    if (failed !== undefined) throw failed
  }
}

/** Answers how many bytes of records it was. */
const deliver = async (
  session: GroupSession,
  plan: FetchPlan,
  answer: PartitionResponse,
  limits: DecodeLimits
): Promise<number> => {
  const offset = plan.offsets.get(answer.partition)
  if (offset === undefined) return 0
  const fetched = await decodeRecordSet({ ...answer, recordSet: ownBytes(answer.recordSet) }, offset, limits)
  if (fetched === undefined) return 0
  session.deliver(plan, answer.partition, fetched)
  return fetched.bytes
}

/** The request for what is planned only. A broker fills its answer in this order: each is first in its turn (KIP-74). */
const planned = (request: FetchRequest, { offsets }: FetchPlan, turn: number, maxWaitTime: number): FetchRequest => {
  const topics = request.topics.map(({ partitions, topic }) => {
    const wanted = partitions.flatMap(({ maxBytes, partition }) => {
      const offset = offsets.get(partition)
      return offset === undefined ? [] : [{ partition, fetchOffset: String(offset), maxBytes }]
    })
    const first = turn % Math.max(1, wanted.length)
    return { topic, partitions: [...wanted.slice(first), ...wanted.slice(0, first)] }
  })
  return { ...request, topics, maxWaitTime }
}

/** One Fetch request, answered in the form of fetchResponse.ts instead of kafkajs's. */
export const sendFetch = async (broker: Broker, request: FetchRequest): Promise<FetchResponse> => {
  let response: FetchResponse | undefined
  try {
    await broker.connectionPool.send({
      ...requests.Fetch.protocol({ version: fetchVersion })(request),
      response: {
        decode: async (payload) => {
          response = decodeFetchResponse(payload)
          // The connection then holds back its next requests for so long (KIP-219).
          return { clientSideThrottleTime: response.throttleMs }
        },
        parse: async (decoded) => decoded
      }
    })
  } catch (error) {
    // As Broker.sendRequest of kafkajs does: a broker that has closed one connection is connected again from the start.
    if (error instanceof Error && error.name === "KafkaJSConnectionClosedError") await broker.disconnect()
    throw error
  }
  if (response === undefined) throw new Error("a Fetch request ended without an answer")
  return response
}
