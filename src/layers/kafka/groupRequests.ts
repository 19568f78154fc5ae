import * as Schema from "effect/Schema"
import type { CommittedOffset, GroupMember } from "../Groups.js"
import type { Broker } from "./internals.js"
import { apiKeys, errorOfCode, kafkajs, requests } from "./library.js"

/** What DescribeGroups tells of one group. */
export interface GroupHead {
  readonly group: string
  readonly state: string
  readonly members: ReadonlyArray<GroupMember>
  readonly error: Error | undefined
}

const decodeDescription = Schema.decodeUnknownSync(Schema.Struct({
  groups: Schema.Array(Schema.Struct({
    errorCode: Schema.Int,
    groupId: Schema.String,
    state: Schema.NullOr(Schema.String),
    protocolType: Schema.NullOr(Schema.String),
    members: Schema.Array(Schema.Struct({
      memberId: Schema.String,
      clientId: Schema.String,
      clientHost: Schema.String,
      memberAssignment: Schema.NullOr(Schema.instanceOf(Buffer))
    }))
  }))
}))
const decodeListing = Schema.decodeUnknownSync(Schema.Struct({
  errorCode: Schema.Int,
  groups: Schema.Array(Schema.Struct({ groupId: Schema.String, protocolType: Schema.String }))
}))

/** Sends in the newest version that both sides know and answers what kafkajs decodes, errors of single groups included. */
const ask = async (broker: Broker, api: "ListGroups" | "DescribeGroups", options: object): Promise<unknown> => {
  const version = Math.min(
    Math.max(...requests[api].versions.map(Number)),
    broker.versions?.[apiKeys[api]]?.maxVersion ?? 0
  )
  const { request, response } = requests[api].protocol({ version })(options)
  let answer: unknown
  try {
    await broker.connectionPool.send({
      request,
      response: { decode: async (payload) => (answer = await response.decode(payload)), parse: async (same) => same }
    })
  } catch (error) {
    // As Broker.sendRequest of kafkajs does: a broker that has closed one connection is connected again from the start.
    if (error instanceof Error && error.name === "KafkaJSConnectionClosedError") await broker.disconnect()
    throw error
  }
  return answer
}

/** The consumer groups that a broker coordinates. */
export const listGroups = async (broker: Broker): Promise<ReadonlyArray<string>> => {
  const { errorCode, groups } = decodeListing(await ask(broker, "ListGroups", {}))
  if (errorCode !== 0) throw errorOfCode(errorCode)
  return groups.filter(isConsumerGroup).map(({ groupId }) => groupId)
}

/** Others are those of Connect's workers and of share groups. Empty: offsets committed by hand, without a member. */
const isConsumerGroup = ({ protocolType }: { readonly protocolType: string }): boolean =>
  protocolType === "consumer" || protocolType === ""

/** Groups of one coordinator. kafkajs's own method rejects as a whole where one of them has an error. */
export const describeGroups = async (
  broker: Broker,
  groupIds: ReadonlyArray<string>
): Promise<ReadonlyArray<GroupHead>> => {
  const { groups } = decodeDescription(await ask(broker, "DescribeGroups", { groupIds }))
  return groups.map(({ errorCode, groupId, members, protocolType, state }) => ({
    group: groupId,
    state: state ?? "",
    members: members.map((member) => ({
      memberId: member.memberId,
      clientId: member.clientId,
      host: member.clientHost.replace(/^\//, ""),
      assignment: protocolType === "consumer" ? assignmentOf(member.memberAssignment) : new Map()
    })),
    error: errorCode === 0 ? undefined : errorOfCode(errorCode)
  }))
}

/** Empty while the group rebalances, and where a client writes something of its own there. */
const assignmentOf = (bytes: Buffer | null): ReadonlyMap<string, ReadonlyArray<number>> => {
  if (bytes === null || bytes.length === 0) return new Map()
  try {
    return new Map(Object.entries(kafkajs.AssignerProtocol.MemberAssignment.decode(bytes)?.assignment ?? {}))
  } catch {
    return new Map()
  }
}

/** All that the group has committed: no topics is all topics. Offset -1 stands for none. */
export const allOffsets = async (broker: Broker, groupId: string): Promise<ReadonlyArray<CommittedOffset>> => {
  const { responses } = await broker.offsetFetch({ groupId, topics: [] })
  return responses.flatMap(({ partitions, topic }) =>
    partitions.flatMap(({ offset, partition }) =>
      BigInt(offset) < 0n ? [] : [{ topic, partition, offset: BigInt(offset) }]
    )
  )
}
