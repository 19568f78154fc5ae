import * as Option from "effect/Option"
import { isFileUrl } from "./addresses.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import type { KeyInfo, KeySpec } from "./KeySpec.js"
import { keys } from "./keys.js"
import type { Reader } from "./reader.js"
import { topicContradictions, type Topics } from "./topicContradictions.js"

/**
 * Values that are right one by one and cannot be right together. Nothing is said of a key with which something is wrong
 * already: its default stands in its place, which nobody has chosen together with the rest.
 */
export const contradictions = (reader: Reader, topics: Topics, usesDatabase: boolean): ReadonlyArray<ConfigProblem> => {
  const { given, peek } = reader
  const problems: Array<ConfigProblem> = []
  const refuse = (key: KeyInfo, what: string, expected: string) => {
    const setting = given.get(key.key)
    problems.push({
      code: "TRB-1005",
      key: key.key,
      value: setting === undefined ? key.fallback : key.display(setting.text),
      source: setting?.source ?? "default",
      what,
      expected: `expected ${expected}`
    })
  }
  const atMost = (low: KeySpec<number>, high: KeySpec<number>, factor = 1) => {
    const lowValue = Option.getOrElse(peek(low), () => 0)
    const highValue = Option.getOrElse(peek(high), () => Infinity)
    if (lowValue * factor <= highValue) return
    const limit = factor === 1 ? high.key : `a ${factor === 3 ? "third" : `1/${factor}`} of ${high.key}`
    // Blamed on the key that somebody wrote.
    const blamed = given.has(low.key) || !given.has(high.key) ? low : high
    refuse(blamed, `${low.key}=${lowValue} does not fit ${high.key}=${highValue}`, `${low.key} at most ${limit}`)
  }
  atMost(keys.heartbeatIntervalMs, keys.sessionTimeoutMs, 3)
  // Its default follows the queue's size.
  if (given.has(keys.maxPollRecords.key)) atMost(keys.maxPollRecords, keys.blockingQueueSize)
  atMost(keys.retryBackoffMs, keys.retryBackoffMaxMs)
  atMost(keys.fetchMaxBytesPerPartition, keys.queueMaxBytes)
  // The default says what is too much to read, whatever the queue: only who names a size means it to fit.
  if (given.has(keys.recordMaxBytes.key)) atMost(keys.recordMaxBytes, keys.queueMaxBytes)
  problems.push(...topicContradictions(topics, reader))
  embedded(reader, usesDatabase, refuse)
  return problems
}

const hasFile = (urls: ReadonlyArray<string>): boolean => urls.some(isFileUrl)
const hasMany = (urls: ReadonlyArray<string>): boolean => urls.length > 1

/**
 * The embedded layers belong together: schema ids of a file log mean nothing in another registry, and a database file
 * cannot be shared by the instances of a consumer group.
 */
const embedded = (
  { peek }: Reader,
  usesDatabase: boolean,
  refuse: (key: KeyInfo, what: string, expected: string) => void
): void => {
  const brokers = peek(keys.bootstrapServers)
  const registries = peek(keys.registryUrls)
  const log = Option.exists(brokers, hasFile)
  const schemas = Option.exists(registries, hasFile)
  if (log && Option.exists(brokers, hasMany)) {
    refuse(keys.bootstrapServers, "a file: URL stands beside others", "either brokers or one file: URL")
  }
  if (schemas && Option.exists(registries, hasMany)) {
    refuse(keys.registryUrls, "a file: URL stands beside others", "either registries or one file: URL")
  }
  if (Option.isNone(brokers)) return
  const together = "all three embedded (file:, file:, libsql:file:) or none"
  // Commands that look at the brokers alone need no registry.
  if (Option.isSome(registries) && log !== schemas) {
    return refuse(keys.registryUrls, "embedded and real servers are mixed", together)
  }
  const database = usesDatabase ? peek(keys.mysqlUrl) : Option.none()
  if (Option.isSome(database) && log !== (database.value.kind === "libsql")) {
    refuse(keys.mysqlUrl, "embedded and real servers are mixed", together)
  }
}
