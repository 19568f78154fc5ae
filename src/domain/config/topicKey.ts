import { nearest } from "../nearest.js"
import { spellings, topicSpellings } from "./keys.js"
import type { KeyInfo } from "./KeySpec.js"

const prefix = "table."

/** What is said of one topic: `table.ORDERS.insert.mode`. */
export const topicKey = (topic: string, key: string): string => `${prefix}${topic}.${key}`

/** A topic's name may hold dots, as keys do: of several keys that fit the longest one counts, with the shortest topic. */
export const readTopicKey = (name: string): { readonly topic: string; readonly info: KeyInfo } | undefined =>
  firstSplit(name, (topic, key) => {
    const info = topicSpellings.get(key)
    return info === undefined ? undefined : { topic, info }
  })

/** What somebody probably meant by a key that begins like one of a topic, or would but for another first word. */
export const misspelt = (name: string): string | undefined => {
  const asTable = prefix + name.split(".").slice(1).join(".")
  if (readTopicKey(asTable) !== undefined) return asTable
  return firstSplit(name, (topic, key) => {
    const meant = nearest(key, topicSpellings.keys())
    return meant === undefined ? undefined : topicKey(topic, meant)
  })
}

/** Whether it is a key that holds for all topics together. */
export const isForAll = (name: string): boolean =>
  firstSplit(name, (_, key) => spellings.has(key) ? key : undefined) !== undefined

const firstSplit = <A>(name: string, read: (topic: string, key: string) => A | undefined): A | undefined => {
  if (!name.startsWith(prefix)) return undefined
  const parts = name.slice(prefix.length).split(".")
  for (let taken = 1; taken < parts.length; taken++) {
    const found = read(parts.slice(0, taken).join("."), parts.slice(taken).join("."))
    if (found !== undefined) return found
  }
  return undefined
}
