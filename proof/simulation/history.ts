import type { Finding, History, SourceLog } from "../checker/History.js"
import { recordsOf } from "./mysql/records.js"
import type { World } from "./World.js"

const logOf = (world: World, topic: string, partition: number): SourceLog => {
  const { low, end, items } = world.cluster.log(topic, partition)
  const records: Array<SourceLog["records"][number]> = []
  const aborted: Array<bigint> = []
  for (const item of items) {
    if (item.kind !== "record") continue
    const { offset, record: { value } } = item
    if (item.transaction?.state === "aborted") aborted.push(offset)
    else if (value === null) records.push({ offset, content: "tombstone", rowless: true })
    else records.push({ offset, content: world.contents.get(value) ?? "garbage" })
  }
  return { topic, partition, low, end, records, aborted }
}

export const historyOf = (world: World): History => ({
  logs: [...world.cluster.topics].flatMap(([topic, { logs }]) =>
    logs.map((_, partition) => logOf(world, topic, partition))
  ),
  ...recordsOf(world.mysql),
  observations: world.observations
})

/** A letter is for what can be no row: one about a good record is the loss of its row. */
export const goodLetters = (world: World, { letters, logs }: History): ReadonlyArray<Finding> => {
  const good = letters.filter(({ offset, partition, topic }) => {
    const log = logs.find((one) => one.topic === topic && one.partition === partition)
    const content = log?.records.find((record) => record.offset === offset)?.content
    return content !== undefined && content !== "garbage" && !world.refused.has(content)
  })
  return good.map(({ offset, partition, topic }) => ({
    kind: "lost",
    what: `${topic}-${partition}: ${offset} is a dead letter, though nothing is wrong with it`
  }))
}
