import * as Either from "effect/Either"
import { type Config, groupOf, settingsOf, tableOf } from "../domain/Config.js"
import type { ConfigSources } from "../domain/config/settings.js"
import type { GroupEntry } from "../domain/groupsFile.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { memberNames } from "./groupsFile.js"

/** One membership of the main job: a topic, and the configuration with its group and table. */
export interface Job {
  readonly config: Config
  readonly topic: string
  /** `consumer-thread-3`, where a file of groups names several. */
  readonly member: string | undefined
}

/** One membership for each topic, in a group of its own. */
export const topicJobs = (config: Config): ReadonlyArray<Job> =>
  config.topics.map((topic) => ({ config, topic, member: undefined }))

/** The groups of these memberships, each once. */
export const groupsOf = (jobs: ReadonlyArray<Job>) => {
  const groups = new Map<string, { readonly group: string; readonly topic: string; readonly members: number }>()
  for (const { config, topic } of jobs) {
    const group = groupOf(config, topic)
    const key = JSON.stringify([group, topic])
    groups.set(key, { group, topic, members: (groups.get(key)?.members ?? 0) + 1 })
  }
  return [...groups.values()]
}

/** The configuration's topics are those of the groups, each of which names its own group. */
export const withTopics = (sources: ConfigSources, entries: ReadonlyArray<GroupEntry>): ConfigSources => {
  const topics = [...new Set(entries.map(({ topic }) => topic))].join(",")
  const source = "--groups"
  const overrides = [
    { name: "kafka.topics.regex", value: "", source },
    { name: "kafka.topics", value: topics, source },
    { name: "consumer.group", value: "group-${topic}", source }
  ]
  return { ...sources, overrides: [...sources.overrides, ...overrides] }
}

/** The configuration lets topics meet in one table only where it says so of each; rows tell them apart by their source. */
const isMeant = (one: GroupEntry | undefined, other: GroupEntry | undefined): boolean =>
  one?.topic !== other?.topic && one?.table === undefined && other?.table === undefined

/**
 * As many memberships as the groups have members. Two groups must not meet in one table: each would write all records of
 * its topic, and none of the two could tell its rows from the other's.
 */
export const groupJobs = (
  config: Config,
  entries: ReadonlyArray<GroupEntry>
): Either.Either<ReadonlyArray<Job>, CommandError> => {
  const tables = entries.map(({ table, topic }) => table ?? tableOf(config, topic))
  const shared = tables.flatMap((table, index) => {
    const entry = entries[index]
    const first = tables.findIndex((other, at) =>
      other.toLowerCase() === table.toLowerCase() && !isMeant(entry, entries[at])
    )
    const before = entries[first]
    if (first < 0 || first >= index || entry === undefined || before === undefined) return []
    return [
      `${entry.path}: group ${entry.group} on ${entry.topic} would write to table ${table}, as does ` +
      `group ${before.group} on ${before.topic} (${before.path})`
    ]
  })
  if (shared.length > 0) {
    return Either.left(
      new CommandError({
        code: "TRB-1203",
        exit: ExitCode.configuration,
        what: "two groups would write the same table",
        details: shared,
        cure: `give each a table of its own: "table": "NAME"`
      })
    )
  }
  const names = memberNames(entries)
  return Either.right(entries.flatMap(({ group, table, topic }, index) => {
    const settings = settingsOf(config, topic)
    const byTopic = new Map([[topic, table === undefined ? settings : { ...settings, table }]])
    const own = { ...config, consumerGroup: group, tables: { ...config.tables, byTopic } }
    return (names[index] ?? []).map((member) => ({ config: own, topic, member }))
  }))
}
