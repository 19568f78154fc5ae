import kafkajs, { type GroupDescriptions } from "kafkajs"
import type { Observation, Place } from "../checker/History.js"
import { groupOf } from "../observe/readHistory.js"

type Group = Pick<GroupDescriptions["groups"][number], "groupId"> & {
  readonly members: ReadonlyArray<{ readonly memberAssignment: Buffer }>
}

const { MemberAssignment } = kafkajs.AssignerProtocol

/** Partitions of a topic that a group has given to its members; none while it rebalances. */
const assigned = ({ members }: Group, topic: string): ReadonlyArray<number> =>
  members.flatMap(({ memberAssignment }) => MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [])

/** Those that no member of their topic's group has, by what the coordinators say. */
export const unownedOf = <P extends Place>(
  places: ReadonlyArray<P>,
  groups: ReadonlyArray<Group>
): ReadonlyArray<P> => {
  const byId = new Map(groups.map((group) => [group.groupId, group]))
  return places.filter(({ partition, topic }) => {
    const group = byId.get(groupOf(topic))
    return group === undefined || !assigned(group, topic).includes(partition)
  })
}

/** A time in which each look has found a partition to be nobody's. */
export interface Gap {
  readonly place: Place
  readonly fromMs: number
  readonly toMs: number
  readonly isOpen: boolean
}

const isOf = (one: Place) => ({ place }: Gap): boolean => place.topic === one.topic && place.partition === one.partition

/** What one more look adds: gaps go on, end and begin. */
export const seenAt = (
  gaps: ReadonlyArray<Gap>,
  unowned: ReadonlyArray<Place>,
  atMs: number
): ReadonlyArray<Gap> => {
  const open = gaps.filter(({ isOpen }) => isOpen)
  const begun = unowned.filter((place) => !open.some(isOf(place)))
  return [
    ...gaps.map((gap) => gap.isOpen ? { ...gap, toMs: atMs, isOpen: unowned.some((place) => isOf(place)(gap)) } : gap),
    ...begun.map(({ partition, topic }) => ({
      place: { topic, partition },
      fromMs: atMs,
      toMs: atMs,
      isOpen: true
    }))
  ]
}

/** The times that were longer than is allowed, whether they have ended or not. */
export const unownedFor = (gaps: ReadonlyArray<Gap>, allowedMs: number): ReadonlyArray<Observation> =>
  gaps.flatMap(({ fromMs, place, toMs }): ReadonlyArray<Observation> => {
    const ms = Math.round(toMs - fromMs)
    return ms > allowedMs ? [{ kind: "unowned", place, ms, allowedMs }] : []
  })
