import { databaseKeys } from "./keys/database.js"
import { flowKeys } from "./keys/flow.js"
import { kafkaKeys } from "./keys/kafka.js"
import { registryKeys } from "./keys/registry.js"
import { tableKeys, topicKeys } from "./keys/tables.js"
import type { KeyInfo } from "./KeySpec.js"

/** Every key, by the name of its field in `Config`. The one list that checks, documents and completion are made from. */
export const keys = { ...kafkaKeys, ...registryKeys, ...flowKeys, ...databaseKeys, ...tableKeys, ...topicKeys } as const

export const allKeys: ReadonlyArray<KeyInfo> = Object.values(keys)

/** `mysql.maxPoolSize` → `TRIBUTARY_MYSQL_MAXPOOLSIZE`. One-to-one, because no two keys differ by case alone. */
export const environmentName = (name: string): string => `TRIBUTARY_${name.toUpperCase().replaceAll(".", "_")}`

const spellingsOf = (infos: ReadonlyArray<KeyInfo>): ReadonlyMap<string, KeyInfo> =>
  new Map(infos.flatMap((info) => [info.key, ...info.aliases].map((name) => [name, info])))

/** Every spelling of every key. */
export const spellings: ReadonlyMap<string, KeyInfo> = spellingsOf(allKeys)

/** Those of the keys that may be said of one topic: `table.TOPIC.KEY`. */
export const topicSpellings: ReadonlyMap<string, KeyInfo> = spellingsOf(Object.values(topicKeys))
