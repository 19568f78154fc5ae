import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { RecordTimes } from "../../../src/layers/RecordTimes.js"
import { lagCommand } from "../../../src/programs/lag/lag.js"
import { durationText } from "../../../src/programs/lag/lagReport.js"
import { redraw } from "../../../src/programs/lag/screen.js"
import { needsDatabase, targetsOf } from "../../../src/programs/lag/targets.js"
import { makeWindows } from "../../../src/programs/lag/windows.js"
import { captured } from "../captured.js"
import { append, config, consuming, inWorld, options, producing, terminal } from "./support.js"

/** Watches for so long, then is interrupted; what was printed. */
const watched = (seconds: number, over: Partial<{ readonly output: "table" | "json" }> = {}) =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const asked = { ...options, watch: true, groups: ["slow"], intervalMs: 2000, output: "table" as const, ...over }
    const watching = yield* Effect.fork(Effect.withConsole(lagCommand(config, asked), console))
    yield* Effect.sleep(`${seconds} seconds`)
    yield* Fiber.interrupt(watching)
    return out
  })

const slowConsumer = Effect.gen(function*() {
  const cluster = yield* MemoryKafka
  cluster.createTopic("orders", 1)
  append(cluster, "orders", 10)
  yield* producing("orders", 100)
  yield* consuming("orders", "slow", 0n, 60n)
  yield* Effect.sleep("500 millis")
})

it("into a pipe: one view after the other, with the trend, and the state once the window is full", () =>
  inWorld(Effect.gen(function*() {
    yield* slowConsumer
    const views = yield* watched(21)
    assert.lengthOf(views, 11, "at 0, 2, 4 … 20 s")
    assert.match(views[0] ?? "", /^1970-01-01T00:00:00.500Z\nGROUP +TOPIC +PART +COMMITTED +END +LAG +TREND/)
    assert.match(views[0] ?? "", /slow +orders +0 +0 +10 +10 +- .* -\n/)
    assert.match(views[9] ?? "", /\+40\/s .* -\n/)
    assert.match(views[10] ?? "", /\+40\/s .* WARNING lag grows\n/)
  })))

it("as JSON: one line a view", () =>
  inWorld(Effect.gen(function*() {
    yield* slowConsumer
    const views = yield* watched(5, { output: "json" })
    assert.lengthOf(views, 3)
    for (const view of views) assert.notInclude(view, "\n")
    assert.strictEqual(JSON.parse(views[1] ?? "").at, "1970-01-01T00:00:02.500Z")
  })))

it("on a terminal: in its place, and the last view stays when it is interrupted", () =>
  inWorld(Effect.gen(function*() {
    yield* slowConsumer
    const drawn = yield* Effect.provide(watched(3), terminal(24))
    assert.lengthOf(drawn, 4)
    assert.strictEqual(drawn[0], "\u001B[?1049h\u001B[?25l", "the other screen, without a cursor")
    assert.isTrue(drawn[1]?.startsWith("\u001B[H1970"))
    assert.isTrue(drawn[3]?.startsWith("\u001B[?25h\u001B[?1049l1970-01-01T00:00:02.500Z\nGROUP"))
  })))

it("what does not fit the terminal is counted, and the head stays", () => {
  const text = Array.from({ length: 30 }, (_, index) => `line ${index}`).join("\n")
  const lines = redraw(text, 12).split("\n")
  assert.lengthOf(lines, 11)
  assert.include(lines[0], "line 0")
  assert.include(lines[9], "… 21 lines more")
  assert.include(redraw(text, 0), "line 29")
})

it("the record that waits is read once, however often it is shown", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const times = yield* RecordTimes
    cluster.createTopic("orders", 1)
    append(cluster, "orders", 10)
    cluster.commitOffsets({ group: "slow", topic: "orders", offsets: [{ partition: 0, offset: 4n }] })
    let reads = 0
    const counting = Layer.succeed(RecordTimes, {
      next: (request) => Effect.suspend(() => (reads++, times.next(request)))
    })
    const views = yield* Effect.provide(watched(9), counting)
    assert.lengthOf(views, 5)
    assert.match(views[4] ?? "", /8\.0 s/)
    assert.strictEqual(reads, 1)
  })))

const partition = { topic: "orders", partition: 0, kafkaCommitted: undefined, owner: "me", commitAgeMs: undefined }
const group = { group: "g", topics: undefined, kafkaState: "Stable", members: 1, problems: [] }
const at = (atMs: number, committed: bigint, end: bigint) => ({
  atMs,
  groups: [{ ...group, partitions: [{ ...partition, committed, position: committed, end }] }]
})
const samplesOf = (judged: ReturnType<ReturnType<typeof makeWindows>["judge"]>) =>
  judged.flatMap(({ partitions }) => partitions.map(({ samples }) => samples))

it("a window holds its samples and no more, and forgets partitions that are gone but not those that cannot be seen", () => {
  const windows = makeWindows({ intervals: 3, allowedLag: 0n })
  for (let index = 0; index < 10; index++) {
    assert.deepStrictEqual(samplesOf(windows.judge(at(index, 0n, 5n))), [Math.min(index + 1, 4)])
  }
  const problem = { ...group, partitions: [], problems: [Object.create(null)] }
  windows.judge({ atMs: 10, groups: [problem] })
  assert.deepStrictEqual(samplesOf(windows.judge(at(11, 0n, 5n))), [4])
  windows.judge({ atMs: 12, groups: [{ ...group, partitions: [] }] })
  assert.deepStrictEqual(samplesOf(windows.judge(at(13, 0n, 5n))), [1])
})

it("the database is asked for groups of the pipeline alone", () => {
  const two = { ...config, topics: ["orders", "payments"] }
  const one = { ...two, consumerGroup: "all" }
  assert.isTrue(needsDatabase(two, { groups: [], allGroups: false }))
  assert.isTrue(needsDatabase(two, { groups: ["other", "group-orders"], allGroups: false }))
  assert.isFalse(needsDatabase(two, { groups: ["other"], allGroups: false }))
  assert.isFalse(needsDatabase({ ...two, topics: [] }, { groups: [], allGroups: true }))
  assert.deepStrictEqual(targetsOf(one, { groups: [], allGroups: true }, ["other", "all"]), [
    { group: "all", topics: ["orders", "payments"] },
    { group: "other", topics: undefined }
  ])
})

it("a time is told in the unit that a person would choose", () => {
  const told = [undefined, 0, 840, 42_400, 420_000, 12_600_000, 1_036_800_000].map(durationText)
  assert.deepStrictEqual(told, ["-", "0 s", "0.8 s", "42 s", "7 min", "3.5 h", "12 d"])
})
