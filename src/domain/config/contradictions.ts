import type { ClientConfig, DatabaseConfig } from "../Config.js"
import { isFileUrl } from "./addresses.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import type { KeyInfo } from "./KeySpec.js"
import { keys } from "./keys.js"
import type { Settings } from "./settings.js"
import { topicContradictions } from "./topicContradictions.js"

/** Values that are right one by one and cannot be right together. */
export const contradictions = (
  config: ClientConfig & { readonly mysql?: DatabaseConfig },
  said: Pick<Settings, "given" | "ofTopics">
): ReadonlyArray<ConfigProblem> => {
  const { given } = said
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
  const atMost = (low: KeyInfo, lowValue: number, high: KeyInfo, highValue: number, factor = 1) => {
    if (lowValue * factor <= highValue) return
    const limit = factor === 1 ? high.key : `a ${factor === 3 ? "third" : `1/${factor}`} of ${high.key}`
    // Blamed on the key that somebody wrote.
    const blamed = given.has(low.key) || !given.has(high.key) ? low : high
    refuse(blamed, `${low.key}=${lowValue} does not fit ${high.key}=${highValue}`, `${low.key} at most ${limit}`)
  }
  atMost(keys.heartbeatIntervalMs, config.heartbeatIntervalMs, keys.sessionTimeoutMs, config.sessionTimeoutMs, 3)
  atMost(keys.maxPollRecords, config.maxPollRecords, keys.blockingQueueSize, config.blockingQueueSize)
  atMost(keys.retryBackoffMs, config.retryBackoffMs, keys.retryBackoffMaxMs, config.retryBackoffMaxMs)
  atMost(keys.fetchMaxBytesPerPartition, config.fetchMaxBytesPerPartition, keys.queueMaxBytes, config.queueMaxBytes)
  // The default says what is too much to read, whatever the queue: only who names a size means it to fit.
  if (given.has(keys.recordMaxBytes.key)) {
    atMost(keys.recordMaxBytes, config.tables.defaults.recordMaxBytes, keys.queueMaxBytes, config.queueMaxBytes)
  }
  problems.push(...topicContradictions(config, said))
  embedded(config, refuse)
  return problems
}

/**
 * The embedded layers belong together: schema ids of a file log mean nothing in another registry, and a database file
 * cannot be shared by the instances of a consumer group.
 */
const embedded = (
  config: ClientConfig & { readonly mysql?: DatabaseConfig },
  refuse: (key: KeyInfo, what: string, expected: string) => void
): void => {
  const log = config.bootstrapServers.filter(isFileUrl).length
  const schemas = config.registryUrls.filter(isFileUrl).length
  if (log > 0 && config.bootstrapServers.length > 1) {
    refuse(keys.bootstrapServers, "a file: URL stands beside others", "either brokers or one file: URL")
  }
  if (schemas > 0 && config.registryUrls.length > 1) {
    refuse(keys.registryUrls, "a file: URL stands beside others", "either registries or one file: URL")
  }
  const together = "all three embedded (file:, file:, libsql:file:) or none"
  // Commands that look at the brokers alone need no registry.
  const unnamed = config.registryUrls.length === 0
  if (!unnamed && log > 0 !== schemas > 0) refuse(keys.registryUrls, "embedded and real servers are mixed", together)
  else if (config.mysql !== undefined && log > 0 !== (config.mysql.kind === "libsql")) {
    refuse(keys.mysqlUrl, "embedded and real servers are mixed", together)
  }
}
