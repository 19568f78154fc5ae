import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { groupOf } from "../../src/domain/Config.js"
import { committedKey } from "../../src/layers/memory/MemoryCluster.js"
import { placeName } from "../checker/parts.js"
import { type Behind, behind } from "./behind.js"
import { rowsOf } from "./lives.js"
import { offsetKey, type OffsetVersion } from "./mysql/Database.js"
import { configOf } from "./settings.js"
import { startLife, stopLife } from "./Slot.js"
import type { World } from "./World.js"

// Some things only a person may decide: records that retention has taken before they were written are lost, and a topic
// of the same name is another one (protocol, section 3). A process stops there, says why, and what would set it right. The
// person here knows nothing but what processes have said, and does it to the letter.

const lookMs = 100
/** So long nothing has moved; what heals by itself does so sooner, or is no worse for a restart. */
const stillMs = 3000
/** A topic that was made anew takes two: a restart, and what the start then says. */
const roundsMax = 6

/** What was said last of what stops this partition. */
const saidOf = ({ trace: { stops } }: World, place: Behind): string | undefined =>
  stops.findLast((text) =>
    text.startsWith(`partition ${placeName(place)} is stopped: `) ||
    text.startsWith(`topic ${place.topic} is stopped: `)
  )

/** Waits until nothing is left behind but what processes have stopped; false where nothing is, or not in this time. */
const isStopped = (world: World, withinMs: number): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const { time } = world.cluster
    const untilMs = time.nowMs() + withinMs
    let sinceMs = time.nowMs()
    let before = ""
    while (time.nowMs() < untilMs) {
      const left = behind(world)
      if (left.length === 0) return false
      const now = left.map((place) => `${placeName(place)} ${place.lag}`).join()
      if (now !== before) sinceMs = time.nowMs()
      before = now
      const isSaid = left.every((place) => saidOf(world, place) !== undefined)
      if (isSaid && time.nowMs() - sinceMs >= stillMs) return true
      yield* Effect.sleep(lookMs)
    }
    return false
  })

const stopAll = (world: World): Effect.Effect<void> =>
  Effect.gen(function*() {
    // Nor does another one take the place of one that was told to stop before.
    world.isOver = true
    for (const slot of world.slots) yield* stopLife(world, slot)
    while (world.slots.some(({ isStarting, life }) => isStarting || life !== undefined)) yield* Effect.sleep(lookMs)
  })

const startAll = (world: World): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    world.isOver = false
    return Effect.forEach(world.slots, (slot) => startLife(world, slot), { discard: true })
  })

/** What a statement that waits for the row waits for, of connections that nobody has closed. */
const unlocked = ({ mysql: { database } }: World, key: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    while (database.offsets.rows.get(key)?.holder !== undefined) yield* Effect.sleep(lookMs)
  })

const write = (world: World, row: OffsetVersion, after: OffsetVersion | undefined): Effect.Effect<void> =>
  Effect.gen(function*() {
    const key = offsetKey(row.topic, row.partition, row.group)
    yield* unlocked(world, key)
    world.trace.tell("person", () => `${key}: ${row.offset} becomes ${after?.offset ?? "nothing"}`)
    world.mysql.database.byHand(key, after)
  })

const deleteOffsets = (world: World, { partition, topic }: Behind): Effect.Effect<void> =>
  Effect.sync(() => {
    world.trace.tell("person", () => `${topic}-${partition}: what the group has committed to Kafka is deleted`)
    world.cluster.committed.delete(committedKey(groupOf(configOf(world.plan), topic), topic, partition))
  })

const update = /run: UPDATE kafka_offsets SET `offset` = (\d+), generation = generation \+ 1 WHERE /u
const deletion = /delete the topic's rows of this group with source_id (\d+) from kafka_offsets/u

/** Does what the text says; a restart is what comes anyway. */
const obey = (world: World, place: Behind, text: string): Effect.Effect<void> => {
  const rows = rowsOf(world, place.topic)
  const [, to] = update.exec(text) ?? []
  const row = rows.find(({ partition }) => partition === place.partition)
  if (to !== undefined && row !== undefined) {
    return write(world, row, { ...row, offset: BigInt(to), generation: row.generation + 1n })
  }
  if (text.includes(" --delete-offsets ")) return deleteOffsets(world, place)
  const [, source] = deletion.exec(text) ?? []
  const meant = rows.filter(({ sourceId }) => String(sourceId) === source)
  return Effect.forEach(meant, (one) => write(world, one, undefined), { discard: true })
}

/**
 * Whenever nothing goes on any more without a person: stops Tributary, does what was said, and starts it again. Answers
 * what is left behind in the end: nothing, or what has not come to its end in this time, or not with all this help.
 */
export const helped = (world: World, withinMs: number): Effect.Effect<ReadonlyArray<Behind>, never, Scope.Scope> =>
  Effect.gen(function*() {
    for (let round = 0; (yield* isStopped(world, withinMs)) && round < roundsMax; round++) {
      world.counts.helped += 1
      const said = behind(world).map((place) => ({ place, text: saidOf(world, place) ?? "" }))
      yield* stopAll(world)
      for (const { place, text } of said) {
        world.trace.tell("person", () => `reads: ${text}`)
        yield* obey(world, place, text)
      }
      world.trace.stops = []
      yield* startAll(world)
    }
    return behind(world)
  })
