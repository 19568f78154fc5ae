import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type GroupDescription, type GroupError, Groups } from "../Groups.js"
import { retryPassing } from "./bounded.js"
import { connectWithin, type KafkaClientOptions } from "./client.js"
import { unavailable } from "./errors.js"
import { allOffsets, describeGroups, type GroupHead, listGroups } from "./groupRequests.js"
import { fetchMetadata } from "./metadata.js"
import { makeNodes, type Nodes } from "./nodes.js"

/** Groups in one request to a coordinator: its answer holds every member with what it was assigned. */
const groupsPerRequest = 50
/**
 * Requests under way at once. A broker answers those of one connection one after the other, so that more gains nothing
 * while it answers; of one that does not answer all have to be waited for, so many at a time.
 */
const concurrency = { lookingUp: 250, describing: 8 } as const
/** Any topic does: what is wanted of the answer are the brokers. */
const anyTopic = "__consumer_offsets"

/** Real brokers. Every request is answered, or given up, within five seconds; a broker that stalls costs only its own. */
export const layer = (options: KafkaClientOptions): Layer.Layer<Groups> => Layer.scoped(Groups, make(options))

type Answer<A> = Either.Either<A, GroupError>

const make = (options: KafkaClientOptions) =>
  Effect.gen(function*() {
    const nodes = yield* makeNodes(options)
    /** Address of each group's coordinator, so that a group that is looked at each second is not looked for each second. */
    const coordinators = new Map<string, string>()

    const bounded = <A>(effect: Effect.Effect<A, GroupError>): Effect.Effect<Answer<A>> =>
      effect.pipe(
        Effect.retry(retryPassing),
        Effect.timeoutFail({
          duration: connectWithin,
          onTimeout: () => unavailable(options.brokers, new Error(`no answer within ${connectWithin}`))
        }),
        Effect.either
      )

    const coordinatorOf = (group: string): Effect.Effect<string, GroupError> =>
      Effect.suspend(() => {
        const known = coordinators.get(group)
        if (known !== undefined) return Effect.succeed(known)
        return Effect.map(nodes.coordinator(group), ({ brokerAddress }) => {
          coordinators.set(group, brokerAddress)
          return brokerAddress
        })
      })

    const describe = Effect.fn("KafkaGroups.describe")(function*(groups: ReadonlyArray<string>) {
      const answers = new Map<string, Answer<GroupDescription>>()
      const found = yield* Effect.forEach(
        groups,
        (group) => Effect.map(bounded(coordinatorOf(group)), (address) => [group, address] as const),
        { concurrency: concurrency.lookingUp }
      )
      const byAddress = new Map<string, Array<string>>()
      for (const [group, address] of found) {
        if (Either.isLeft(address)) answers.set(group, Either.left(address.left))
        else byAddress.set(address.right, [...byAddress.get(address.right) ?? [], group])
      }
      yield* Effect.forEach(
        [...byAddress].flatMap(([address, led]) => chunksOf(led).map((chunk) => [address, chunk] as const)),
        ([address, chunk]) => Effect.map(describeChunk(nodes, bounded, address, chunk), (each) => add(answers, each)),
        { concurrency: concurrency.describing, discard: true }
      )
      let away = false
      for (const [group, answer] of answers) {
        if (Either.isRight(answer)) continue
        // Perhaps another broker coordinates it by now.
        coordinators.delete(group)
        away ||= answer.left._tag === "KafkaUnavailable"
      }
      // Perhaps a connection only looks alive.
      if (away) yield* nodes.reset
      return answers
    })

    const list = Effect.gen(function*() {
      const brokers = yield* Effect.flatten(bounded(Effect.flatMap(
        nodes.any,
        (broker) => nodes.request("list the brokers", () => fetchMetadata(broker, anyTopic))
      )))
      const [failures, listed] = yield* Effect.partition(
        brokers.nodes.values(),
        ({ host, port }) =>
          Effect.flatten(bounded(Effect.flatMap(
            nodes.at(host, port),
            (broker) => nodes.request(`list the groups of ${host}:${port}`, () => listGroups(broker))
          ))),
        { concurrency: "unbounded" }
      )
      const [failure] = failures
      if (failure !== undefined && listed.length === 0) return yield* failure
      return { groups: [...new Set(listed.flat())].toSorted(), failures }
    }).pipe(Effect.withSpan("KafkaGroups.list"))

    return Groups.of({ list, describe })
  })

/** Members and offsets of groups that one broker coordinates. Offsets are asked for by group: there is no other way. */
const describeChunk = (
  nodes: Nodes,
  bounded: <A>(effect: Effect.Effect<A, GroupError>) => Effect.Effect<Answer<A>>,
  address: string,
  groups: ReadonlyArray<string>
) =>
  Effect.gen(function*() {
    const at = nodeAt(nodes, address)
    const heads = yield* bounded(
      Effect.flatMap(at, (broker) => nodes.request("describe groups", () => describeGroups(broker, groups)))
    )
    return yield* Effect.forEach(groups, (group) =>
      Effect.gen(function*() {
        const head = yield* Effect.flatMap(heads, (all) => headOf(nodes, all, group))
        const committed = yield* Effect.flatten(bounded(Effect.flatMap(at, (broker) =>
          nodes.request(`read the offsets of group ${group}`, () => allOffsets(broker, group)))))
        const { members, state } = head
        return { group, state, members, committed } satisfies GroupDescription
      }).pipe(
        Effect.either,
        Effect.map((answer) =>
          [group, answer] as const
        )
      ), { concurrency: groupsPerRequest })
  })

/** A group's own error is the group's alone. */
const headOf = (nodes: Nodes, heads: ReadonlyArray<GroupHead>, group: string): Effect.Effect<GroupHead, GroupError> =>
  nodes.request(`describe group ${group}`, async () => {
    const head = heads.find((one) => one.group === group)
    if (head === undefined) throw new Error("the coordinator's answer lacks it")
    if (head.error !== undefined) throw head.error
    return head
  })

const nodeAt = (nodes: Nodes, address: string) => {
  const colon = address.lastIndexOf(":")
  return nodes.at(address.slice(0, colon), Number(address.slice(colon + 1)))
}

const chunksOf = (groups: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  Array.from(
    { length: Math.ceil(groups.length / groupsPerRequest) },
    (_, index) => groups.slice(index * groupsPerRequest, (index + 1) * groupsPerRequest)
  )

const add = <K, V>(map: Map<K, V>, entries: ReadonlyArray<readonly [K, V]>): void => {
  for (const [key, value] of entries) map.set(key, value)
}
