import type { MemoryLog } from "../../src/layers/memory/MemoryLog.js"
import type { Finding, History, SourceLog } from "../checker/History.js"
import { placeName } from "../checker/parts.js"
import { livesOf } from "./lives.js"
import { recordsOf } from "./mysql/records.js"
import type { World } from "./World.js"

/**
 * With what retention has taken: it is known here, and only a person may go on behind what nobody had written. Then there
 * is a reset in the history, and the checker wants nothing of what lies between.
 */
const logOf = (world: World, topic: string, partition: number, { end, items, taken }: MemoryLog): SourceLog => {
  const records: Array<SourceLog["records"][number]> = []
  const aborted: Array<bigint> = []
  for (const item of [...taken, ...items]) {
    if (item.kind !== "record") continue
    const { offset, record: { value } } = item
    if (item.transaction?.state === "aborted") aborted.push(offset)
    else if (value === null) records.push({ offset, content: "tombstone", rowless: true })
    else records.push({ offset, content: world.contents.get(value) ?? "garbage" })
  }
  return { topic, partition, low: 0n, end, records, aborted }
}

/** The row of a life that is over is deleted, or stands for whoever comes next: it was where its last owner has left it. */
const storedAtItsEnd = (moves: History["moves"]): History["stored"] =>
  [...new Map(moves.map((move) => [placeName(move), move])).values()].map(({ partition, to, topic }) => ({
    topic,
    partition,
    offset: to
  }))

export const historyOf = (world: World): History => {
  const lives = livesOf(world)
  const over = new Set(lives.flatMap(({ isOver, name }) => isOver ? [name] : []))
  const sources = world.mysql.database.sources.rows
  const lifeOf = (topic: string, source: number) =>
    lives.find(({ id }) => id === sources.get(String(source))?.committed?.topicId)?.name ?? topic
  const { letters, moves: made, rows, stored } = recordsOf(world.mysql, lifeOf)
  // What a person writes into the row of a life that is over says nothing of that life.
  const moves = made.filter(({ byHand, topic }) => byHand !== true || !over.has(topic))
  return {
    logs: lives.flatMap(({ logs, name }) => logs.map((log, partition) => logOf(world, name, partition, log))),
    rows,
    letters,
    moves,
    stored: [
      ...stored.filter(({ topic }) => !over.has(topic)),
      ...storedAtItsEnd(moves.filter(({ topic }) => over.has(topic)))
    ],
    observations: world.observations
  }
}

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

/** All topics are read from their earliest record, and nothing is taken from a log before somebody reads it. */
export const lateBeginnings = ({ moves }: History): ReadonlyArray<Finding> => {
  const first = new Map(moves.toReversed().map((move) => [placeName(move), move]))
  return [...first].flatMap(([name, { from, to }]): ReadonlyArray<Finding> =>
    from === undefined && to > 0n ? [{ kind: "lost", what: `${name}: the group began at ${to}` }] : []
  )
}
