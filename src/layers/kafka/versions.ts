import { KafkaRefused } from "../Consumer.js"
import { joinGroupVersion } from "./brokers.js"
import { fetchVersion } from "./fetching.js"
import type { Broker } from "./internals.js"
import { apiKeys, type ApiName, requests } from "./library.js"

/** What a member sends. Fetch and JoinGroup are written in one version only. */
const needed: ReadonlyArray<ApiName> = [
  "Fetch",
  "ListOffsets",
  "Metadata",
  "OffsetCommit",
  "OffsetFetch",
  "GroupCoordinator",
  "JoinGroup",
  "Heartbeat",
  "LeaveGroup",
  "SyncGroup"
]
const single: Partial<Record<ApiName, number>> = { Fetch: fetchVersion, JoinGroup: joinGroupVersion }

/**
 * Undefined if the broker and this client have a version of every request in common. kafkajs itself compares only one
 * end of the ranges: a broker that is too new answers nonsense, or closes the connection.
 */
export const unsupportedVersion = (broker: Broker): KafkaRefused | undefined => {
  const versions = broker.versions
  if (versions === null) return undefined
  for (const api of needed) {
    const numbers = requests[api].versions.map(Number)
    const [ours, oursMax] = [single[api] ?? Math.min(...numbers), single[api] ?? Math.max(...numbers)]
    const theirs = versions[apiKeys[api]]
    if (theirs !== undefined && theirs.minVersion <= oursMax && theirs.maxVersion >= ours) continue
    const spoken = theirs === undefined ? "not at all" : `in versions ${theirs.minVersion} to ${theirs.maxVersion}`
    return new KafkaRefused({
      what: `broker ${broker.brokerAddress} speaks ${api} ${spoken}, this client in versions ${ours} to ${oursMax}`,
      cure: "run brokers between 2.3 and 4.x"
    })
  }
  return undefined
}
