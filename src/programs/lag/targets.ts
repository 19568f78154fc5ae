import { type ClientConfig, groupOf, matches } from "../../domain/Config.js"

/** A group to look at. */
export interface LagTarget {
  readonly group: string
  /** Topics of the configured pipeline that the group reads: its positions are in the database. Undefined: not ours. */
  readonly topics: ReadonlyArray<string> | undefined
}

/** Which groups are asked for; none and not all: the configured pipeline's. */
export interface GroupsAsked {
  readonly groups: ReadonlyArray<string>
  readonly allGroups: boolean
}

type Pipeline = Pick<ClientConfig, "topics" | "consumerGroup">

/** The groups of the configured pipeline. Where `consumer.group` does not name the topic, all topics have one. */
export const ownTargets = (config: Pipeline): ReadonlyArray<LagTarget> => {
  const topicsOf = new Map<string, ReadonlyArray<string>>()
  for (const topic of config.topics) {
    const group = groupOf(config, topic)
    topicsOf.set(group, [...topicsOf.get(group) ?? [], topic])
  }
  return Array.from(topicsOf, ([group, topics]) => ({ group, topics }))
}

/** `listed`: the groups that Kafka knows, where all are asked for. */
export const targetsOf = (
  config: Pipeline,
  { allGroups, groups }: GroupsAsked,
  listed: ReadonlyArray<string>
): ReadonlyArray<LagTarget> => {
  const own = ownTargets(config)
  const names = allGroups
    ? [...new Set([...own.map(({ group }) => group), ...listed])].toSorted()
    : groups.length > 0
    ? [...new Set(groups)]
    : own.map(({ group }) => group)
  return names.map((group) => own.find((one) => one.group === group) ?? { group, topics: undefined })
}

/** Whether the database has to be asked. Other programs' groups are shown without one being configured. */
export const needsDatabase = (
  config: Pipeline & Partial<Pick<ClientConfig, "topicPattern">>,
  { allGroups, groups }: GroupsAsked
): boolean => {
  const own = ownTargets(config).map(({ group }) => group)
  const isOwn = (group: string) => own.includes(group) || mayRead(config, group)
  return allGroups || groups.length === 0
    ? own.length > 0 || config.topicPattern !== undefined
    : groups.some(isOwn)
}

/** Whether the group would be one of ours if a topic that the pattern matches were there. */
const mayRead = (
  { consumerGroup, topicPattern }: Pipeline & Partial<Pick<ClientConfig, "topicPattern">>,
  group: string
): boolean => {
  if (topicPattern === undefined) return false
  const [before = "", after] = consumerGroup.split("${topic}")
  if (after === undefined) return group === consumerGroup
  const fits = group.startsWith(before) && group.endsWith(after) && group.length > before.length + after.length
  return fits && matches(topicPattern, group.slice(before.length, group.length - after.length))
}
