import { groupOf } from "../../src/domain/Config.js"
import type { MemoryTopic } from "../../src/layers/memory/MemoryCluster.js"
import { offsetKey, type OffsetVersion } from "./mysql/Database.js"
import { configOf } from "./settings.js"
import type { World } from "./World.js"

/** One life of a topic: from its creation to its deletion. Offsets of one mean nothing in another. */
export interface Life extends Pick<MemoryTopic, "id" | "logs"> {
  readonly topic: string
  /** Tells it from the others of its topic; that of the first is the topic's. */
  readonly name: string
  readonly isOver: boolean
}

/** All lives, those of a topic in their order. */
export const livesOf = ({ cluster: { past, topics } }: World): ReadonlyArray<Life> => {
  const count = new Map<string, number>()
  const named = (topic: string, { id, logs }: MemoryTopic, isOver: boolean): Life => {
    const number = (count.get(topic) ?? 0) + 1
    count.set(topic, number)
    return { topic, name: number === 1 ? topic : `${topic} (life ${number})`, id, logs, isOver }
  }
  return [
    ...past.map((one) => named(one.name, one, true)),
    ...[...topics].map(([topic, one]) => named(topic, one, false))
  ]
}

/** The committed rows of `kafka_offsets` that the topic's group has. */
export const rowsOf = ({ mysql: { database }, plan }: World, topic: string): ReadonlyArray<OffsetVersion> => {
  const group = groupOf(configOf(plan), topic)
  return database.offsets.values().filter((row) => row.topic === topic && row.group === group)
}

/** Whether the row was written of another life of its topic than the present one. */
export const isForeign = ({ cluster, mysql: { database } }: World, { sourceId, topic }: OffsetVersion): boolean =>
  database.sources.rows.get(String(sourceId))?.committed?.topicId !== cluster.topics.get(topic)?.id

/** How far the partition is stored, in the present life of its topic. */
export const storedOf = (world: World, topic: string, partition: number): bigint | undefined => {
  const key = offsetKey(topic, partition, groupOf(configOf(world.plan), topic))
  const row = world.mysql.database.offsets.rows.get(key)?.committed
  return row === undefined || isForeign(world, row) ? undefined : row.offset
}
