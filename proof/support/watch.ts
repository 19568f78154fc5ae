import { Schema } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import { setTimeout as sleep } from "node:timers/promises"
import { rowsOf } from "../../test/e2e/support/database.js"
import { until } from "../../test/e2e/support/until.js"
import { atEnd } from "../../test/e2e/support/atEnd.js"
import type { World } from "../../test/e2e/support/World.js"

/** The stored offset of one partition as it was seen at a time. A move of the offset is a row that can be read. */
export interface Seen {
  /** `topic-partition`. */
  readonly place: string
  readonly atMs: number
  readonly offset: bigint
  readonly generation: bigint
}

/** Looks at `kafka_offsets` again and again, from outside, with a connection of its own. */
export interface Watch {
  /** The last of each partition. */
  readonly now: () => ReadonlyMap<string, Seen>
  /** All changes since then, in order; what is older is forgotten by `forget`. */
  readonly changes: () => ReadonlyArray<Seen>
  readonly forget: () => void
  /** When the database answered again after it had not; undefined: it has not. */
  readonly backAtMs: () => number | undefined
}

const Row = Schema.Struct({
  place: Schema.String,
  offset: Schema.BigInt,
  generation: Schema.BigInt
})

const query = "SELECT CONCAT(topic, '-', `partition`) AS place, CAST(`offset` AS CHAR) AS `offset`,"
  + " CAST(generation AS CHAR) AS generation FROM kafka_offsets"

/** How late a change may be seen, and so the error of all that is measured by it. */
export const lookEveryMs = 10

const isMissingTable = (error: unknown) => error instanceof Error && "errno" in error && error.errno === 1146

/** Watches until the run is over. A database that is away is asked again; when it is back is remembered. */
export const watchOffsets = (world: World): Watch => {
  const last = new Map<string, Seen>()
  let changes: Array<Seen> = []
  let back: number | undefined
  const stopped = new AbortController()
  let sql: Connection | undefined
  const { hostname, port, username } = new URL(world.addresses.mysql)
  const connect = async () => {
    const made = await createConnection({
      host: hostname,
      port: Number(port),
      user: username,
      database: world.database
    })
    made.on("error", () => {}) // the query that follows says so
    return made
  }
  const note = (found: ReadonlyArray<typeof Row.Type>) => {
    const atMs = performance.now()
    for (const row of found) {
      const before = last.get(row.place)
      if (before?.offset === row.offset && before.generation === row.generation) continue
      const seen = { ...row, atMs }
      last.set(row.place, seen)
      changes.push(seen)
    }
  }
  const look = async () => {
    while (!stopped.signal.aborted) {
      try {
        if (sql === undefined) {
          sql = await connect()
          back = performance.now()
        }
        note(await rowsOf(sql, Row, query))
      } catch (error) {
        if (isMissingTable(error)) continue
        sql?.destroy()
        sql = undefined
      } finally {
        await sleep(lookEveryMs)
      }
    }
    sql?.destroy()
  }
  const looking = look()
  atEnd(() => {
    stopped.abort()
    return looking
  })
  return {
    now: () => last,
    changes: () => changes,
    forget: () => void (changes = []),
    backAtMs: () => back
  }
}

/**
 * When each of these partitions has moved on under an owner that came after `before` was seen: with a row, not merely
 * with the acquisition, which raises the generation alone.
 */
export const movedOn = async (
  watch: Watch,
  before: ReadonlyMap<string, Seen>,
  places: ReadonlyArray<string>,
  about: () => string
): Promise<ReadonlyMap<string, number>> => {
  const moved = (place: string): number | undefined => {
    const old = before.get(place)
    const later = watch.changes().filter((seen) => seen.place === place && seen.generation > (old?.generation ?? 0n))
    const claimed = later[0]?.offset ?? 0n
    const kept = watch.changes().findLast((seen) => seen.place === place && seen.generation === old?.generation)
    const from = later.length > 1 ? claimed : kept?.offset ?? old?.offset ?? 0n
    return later.find(({ offset }) => offset > from)?.atMs
  }
  return until(`${places.join(", ")} move on under another owner`, () => {
    const found = places.map((place) => [place, moved(place)] as const)
    const done = found.flatMap(([place, at]) => at === undefined ? [] : [[place, at] as const])
    return done.length === places.length ? new Map(done) : undefined
  }, { about, everyMs: lookEveryMs })
}

/** When the offset of a partition was seen to move. */
export const moveTimes = (changes: ReadonlyArray<Seen>, place: string): ReadonlyArray<number> => {
  const own = changes.filter((seen) => seen.place === place)
  return own.flatMap(({ atMs, offset }, index) => offset === own[index - 1]?.offset ? [] : [atMs])
}

/** The longest time between two times in which nothing happened. */
export const longestGapMs = (times: ReadonlyArray<number>, fromMs: number, toMs: number): number => {
  const inside = times.filter((at) => at > fromMs && at < toMs)
  return Math.max(...[...inside, toMs].map((at, index) => at - (inside[index - 1] ?? fromMs)))
}
