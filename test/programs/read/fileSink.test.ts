import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, Schema } from "effect"
import type { ConsumerRecord } from "../../../src/domain/consumerRecord.js"
import { Admin } from "../../../src/layers/Admin.js"
import { plainValues } from "../../../src/programs/read/formats.js"
import { type FolderOptions, openFolder } from "../../../src/programs/read/openFolder.js"
import { positionOf, Positions } from "../../../src/programs/read/positionsFile.js"
import type { Sinks } from "../../../src/programs/read/sink.js"
import { Disk, Killed } from "./disk.js"

const polls = 3
const pollRecords = 2

const options: FolderOptions = {
  folder: "out.csv",
  group: "g",
  format: undefined,
  values: plainValues,
  isolation: "read_uncommitted",
  rotateBytes: undefined,
  backoff: { baseMs: 1, maxMs: 1 },
  lock: () => Effect.void
}

const record = (partition: number, offset: bigint): ConsumerRecord => ({
  topic: "t",
  partition,
  offset,
  timestampMs: 5,
  key: null,
  value: Buffer.from(`a,"${partition}"\n${offset}`),
  headers: []
})

/** What Kafka remembers when the reader is dead. */
interface Group {
  readonly committed: Map<number, bigint>
}

const end = BigInt(polls * pollRecords)

/**
 * Reads two partitions to their ends as a group of two members would, from where the sink says: partition 0 moves from
 * the first member to the second at half way, and the first goes on for a poll because it does not know it yet.
 */
const readToEnd = (sinks: Sinks, group: Group) =>
  Effect.gen(function*() {
    const starts = new Map([0, 1].map((partition) => [partition, group.committed.get(partition) ?? 0n] as const))
    const begins = yield* sinks("consumer-thread-0").begin("t", starts)
    const positions = new Map(begins)
    const poll = (partition: number) => {
      const from = positions.get(partition) ?? 0n
      return Array.from({ length: pollRecords }, (_, index) => record(partition, from + BigInt(index)))
        .filter(({ offset }) => offset < end)
    }
    while ([...positions.values()].some((position) => position < end)) {
      for (const partition of [0, 1]) {
        const records = poll(partition)
        const moved = (positions.get(0) ?? 0n) >= end / 2n
        const member = partition === 1 || moved ? "consumer-thread-1" : "consumer-thread-0"
        yield* sinks(member).write(records)
        if (moved && partition === 0) yield* sinks("consumer-thread-0").write(records)
        const next = (records.at(-1)?.offset ?? end - 1n) + 1n
        positions.set(partition, next)
        group.committed.set(partition, next)
      }
    }
  })

const quiet = Logger.remove(Logger.defaultLogger)
const admin = Layer.mock(Admin, {
  describeTopic: (topic) => Effect.succeed({ topic, clusterId: "c", topicId: "life-1", partitions: [0, 1] }),
  logRanges: () => Effect.succeed([0, 1].map((partition) => ({ partition, low: 0n, lastStable: end, end })))
})

/** One life of the reading process. */
const live = (disk: Disk, group: Group, changed: Partial<FolderOptions> = {}) => {
  const life = Effect.flatMap(openFolder({ ...options, ...changed }), (sinks) => readToEnd(sinks, group))
  return Effect.runSyncExit(Effect.scoped(life).pipe(Effect.provide(Layer.mergeAll(admin, disk.layer, quiet))))
}

const wanted = [0, 1].flatMap((partition) =>
  Array.from({ length: Number(end) }, (_, offset) => `t,${partition},${offset},5,,"a,""${partition}""\n${offset}"`)
).toSorted()

const head = "topic,partition,offset,timestamp,key,value\n"

/** The rows of all files; a file that does not begin with the head, or has it twice, shows it as a row. */
const rowsOf = (disk: Disk): ReadonlyArray<string> =>
  [...disk.texts(".csv").values()].flatMap((text) =>
    text.replace(head, "").split(/(?<="\d+|[^"]")\n(?=t,|topic|$)/).filter((row) => row !== "")
  ).toSorted()

const isKilled = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) && [...Cause.defects(exit.cause)].some((defect) => defect instanceof Killed)

const Stored = Schema.parseJson(Positions)
const storedIn = (disk: Disk, partition: number): bigint => {
  const text = disk.texts("positions.json").get("out.csv/positions.json")
  return text === undefined ? -1n : positionOf(Schema.decodeSync(Stored)(text), "t", partition) ?? -1n
}

/**
 * Kills the process at every step of its life, begins again as after a kill and as after a power cut, and shows each
 * state in which a row is missing or twice, or an offset is committed whose position is not on the disk.
 */
const differences = (changed: Partial<FolderOptions>) => {
  const whole = new Disk()
  assert.isTrue(Exit.isSuccess(live(whole, { committed: new Map() }, changed)))
  const found: Array<string> = []
  for (let budget = 0; budget < whole.steps; budget++) {
    const first = new Disk()
    const committed = new Map<number, bigint>()
    first.budget = budget
    if (!isKilled(live(first, { committed }, changed))) found.push(`${budget}: was not killed`)
    for (const event of ["kill", "power cut"] as const) {
      const disk = first.after(event)
      for (const [partition, offset] of committed) {
        if (storedIn(disk, partition) < offset) {
          found.push(`${event} at ${budget}: ${partition} is committed, not stored`)
        }
      }
      const second = live(disk, { committed: new Map(committed) }, changed)
      if (Exit.isFailure(second)) found.push(`${event} at ${budget}: ${Cause.pretty(second.cause)}`)
      else if (rowsOf(disk).join() !== wanted.join()) found.push(`${event} at ${budget}: ${rowsOf(disk).join(" ")}`)
    }
  }
  return { found, steps: whole.steps, files: whole.texts(".csv").size }
}

describe("rows in files", () => {
  it("a life without a kill writes each record once, over all members of the group", () => {
    const disk = new Disk()
    assert.isTrue(Exit.isSuccess(live(disk, { committed: new Map() })))
    assert.deepStrictEqual(rowsOf(disk), wanted)
    assert.deepStrictEqual([...disk.texts(".csv").keys()], [
      "out.csv/consumer-thread-0.csv",
      "out.csv/consumer-thread-1.csv"
    ])
  })

  it("each record is a row once, after a kill and after a power cut at any byte", () => {
    const { found, steps } = differences({})
    assert.isAbove(steps, 400)
    assert.deepStrictEqual(found, [])
  }, 180_000)

  it("each record is a row once, after a kill and after a power cut at any byte, over files that are rotated", () => {
    const { files, found } = differences({ rotateBytes: 100 })
    assert.isAbove(files, 4)
    assert.deepStrictEqual(found, [])
  }, 180_000)
})
