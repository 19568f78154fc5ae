import { KafkaRefused } from "../Consumer.js"
import { joinGroupVersion } from "./brokers.js"
import { fetchVersion } from "./fetching.js"
import type { Broker } from "./internals.js"
import { apiKeys, type ApiName, requests } from "./library.js"
import { metadataVersions } from "./metadata.js"

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
export const unsupportedVersion = (broker: Pick<Broker, "brokerAddress" | "versions">): KafkaRefused | undefined => {
  const versions = broker.versions
  if (versions === null) return undefined
  const ranges: ReadonlyArray<readonly [ApiName, number, number]> = [
    ...needed.map((api) => {
      const numbers = requests[api].versions.map(Number)
      return [api, single[api] ?? Math.min(...numbers), single[api] ?? Math.max(...numbers)] as const
    }),
    // Metadata twice: kafkajs asks in its versions, metadata.ts in newer ones.
    ["Metadata", metadataVersions.min, metadataVersions.max]
  ]
  for (const [api, ours, oursMax] of ranges) {
    const theirs = versions[apiKeys[api]]
    if (theirs !== undefined && theirs.minVersion <= oursMax && theirs.maxVersion >= ours) continue
    const spoken = theirs === undefined ? "not at all" : `in versions ${theirs.minVersion} to ${theirs.maxVersion}`
    return new KafkaRefused({
      what: `broker ${broker.brokerAddress} speaks ${api} ${spoken}, this client in versions ${ours} to ${oursMax}`,
      cure: "run brokers between 2.4 and 4.x"
    })
  }
  return undefined
}
