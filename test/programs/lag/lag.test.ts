import { assert, it } from "@effect/vitest"
import { Cause, Effect, Either, Exit, Layer, Option } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { KafkaUnavailable } from "../../../src/layers/Consumer.js"
import { type GroupDescription, type GroupError, Groups } from "../../../src/layers/Groups.js"
import { MemoryDatabaseState } from "../../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { ExitCode } from "../../../src/programs/exitCodes.js"
import { append, config, consuming, inWorld, lag, member, producing, status } from "./support.js"

const errorOf = <A, E>(exit: Exit.Exit<A, E>) =>
  Option.getOrUndefined(Option.flatMap(Exit.causeOption(exit), Cause.failureOption))

interface Row {
  readonly group: string
  readonly state: string | null
  readonly reason: string | null
}
/** State and reason of each group's only partition. */
const states = (
  report: { readonly groups: ReadonlyArray<{ readonly group: string; readonly partitions: ReadonlyArray<Row> }> }
) => Object.fromEntries(report.groups.map(({ group, partitions: [row] }) => [group, [row?.state, row?.reason]]))

const fourConsumers = Effect.gen(function*() {
  const cluster = yield* MemoryKafka
  cluster.createTopic("orders", 1)
  append(cluster, "orders", 500)
  yield* producing("orders", 100)
  yield* consuming("orders", "healthy", 400n, 150n)
  yield* consuming("orders", "slow", 400n, 60n)
  const stuck = yield* member("orders", "stuck")
  yield* stuck.commit([{ partition: 0, offset: 100n }])
  cluster.commitOffsets({ group: "gone", topic: "orders", offsets: [{ partition: 0, offset: 100n }] })
})

it("a check tells who keeps up, who falls behind, who is stuck and who is gone, and exits 2", () =>
  inWorld(Effect.gen(function*() {
    yield* fourConsumers
    const { exit, report } = yield* lag({ check: true, allGroups: true }, { ...config, topics: [] })
    assert.deepStrictEqual(states(report), {
      gone: ["ERROR", "stopped"],
      healthy: ["OK", null],
      slow: ["WARNING", "lag grows"],
      stuck: ["ERROR", "stalled"]
    })
    assert.strictEqual(report.state, "ERROR")
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
  })))

it("a check of a group that falls behind exits 0, with --deny-warnings 2; a healthy one exits 0", () =>
  inWorld(Effect.gen(function*() {
    yield* fourConsumers
    const exits = yield* Effect.forEach(
      [
        { groups: ["slow"], denyWarnings: false },
        { groups: ["slow"], denyWarnings: true },
        { groups: ["healthy"], denyWarnings: true },
        { groups: ["stuck"], denyWarnings: false }
      ],
      (over) => Effect.map(lag({ ...over, check: true }), ({ exit }) => exit)
    )
    assert.deepStrictEqual(
      exits,
      [ExitCode.done, ExitCode.different, ExitCode.done, ExitCode.different].map(Exit.succeed)
    )
  })))

it("a check lasts one window, and says so before", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("orders", 1)
    const before = cluster.time.nowMs()
    yield* lag({ check: true, intervalMs: 500, window: 20 })
    assert.strictEqual(cluster.time.nowMs() - before, 10_000)
  })))

it("looking leaves no trace: no member, no commit", () =>
  inWorld(Effect.gen(function*() {
    yield* fourConsumers
    const cluster = yield* MemoryKafka
    const [members, stuck] = [cluster.members.length, cluster.committed.get("stuck/orders-0")]
    yield* lag({ check: true, allGroups: true })
    assert.strictEqual(cluster.members.length, members)
    assert.strictEqual(cluster.committed.get("stuck/orders-0"), stuck)
    assert.isUndefined(cluster.committed.get("group-orders/orders-0"))
  })))

it("one sample tells offsets, lags and owners; a state only where nothing waits", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("orders", 2)
    append(cluster, "orders", 3)
    yield* Effect.sleep("5 seconds")
    append(cluster, "orders", 2)
    yield* Effect.sleep("7 seconds")
    append(cluster, "orders", 4, 1)
    const reader = yield* member("orders", "readers")
    yield* reader.commit([{ partition: 0, offset: 3n }, { partition: 1, offset: 4n }])
    const { exit, report } = yield* lag({ groups: ["readers"] })
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
    const [first, second] = report.groups[0].partitions
    assert.deepInclude(first, { committed: 3, end: 5, lag: 2, lagMs: 7000, state: null, trendPerSecond: null })
    assert.deepInclude(second, { committed: 4, end: 4, lag: 0, lagMs: 0, state: "OK" })
    assert.match(first.owner, /^member-\d+@memory$/)
    assert.deepInclude(report.groups[0], { kafkaState: "Stable", members: 1, state: null, end: "high watermark" })
  })))

it("our own groups are judged by the database, up to the last stable offset; Kafka's offset stands beside", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    append(cluster, "orders", 10)
    const transaction = { transactionalId: "t", producerId: 1, producerEpoch: 0, state: "open" as const }
    cluster.log("orders", 0).append({ timestampMs: 0, key: null, value: null, headers: [] }, transaction)
    database.offsets.set("orders/0/group-orders", { offset: 8n, generation: 1n, owner: "x", sourceId: 1 })
    cluster.commitOffsets({ group: "group-orders", topic: "orders", offsets: [{ partition: 0, offset: 5n }] })
    const { report } = yield* lag({})
    assert.deepInclude(report.groups[0], { group: "group-orders", offsets: "database", end: "last stable offset" })
    assert.deepInclude(report.groups[0].partitions[0], { committed: 8, committedInKafka: 5, end: 10, lag: 2 })
    assert.deepInclude(report.groups[0].partitions[1], { committed: null, end: 0, lag: 0, state: "OK" })
    const { text } = yield* status()
    assert.match(text, /TOPIC +PART +STATE +COMMITTED +IN-KAFKA +END +LAG +TIME-LAG +LAST-COMMIT +OWNER/)
    assert.match(text, /orders +0 +- +8 +5 +10 +2 /)
  })))

it("a pipeline that was never started is an ERROR where it would have to begin at the start of the log", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("orders", 1)
    append(cluster, "orders", 3)
    const { exit, report } = yield* lag({ check: true })
    assert.deepInclude(report.groups[0].partitions[0], { committed: null, lag: 3, state: "ERROR", reason: "stopped" })
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
  })))

it("a coordinator that is away hides its own groups and no others; a verdict counts, else the check has failed", () =>
  inWorld(Effect.gen(function*() {
    yield* fourConsumers
    const groups = yield* Groups
    const away = new KafkaUnavailable({ what: "b:9092 (ECONNREFUSED)", cause: "refused" })
    const half = Layer.succeed(Groups, {
      list: groups.list,
      describe: (names) =>
        Effect.map(
          groups.describe(names),
          (all) => new Map<string, Either.Either<GroupDescription, GroupError>>(all).set("slow", Either.left(away))
        )
    })
    const failed = yield* Effect.provide(lag({ check: true, groups: ["slow", "healthy"] }), half)
    assert.deepStrictEqual(failed.exit, Exit.succeed(ExitCode.failed))
    assert.deepStrictEqual(failed.report.groups.map(({ state }: Row) => state), [null, "OK"])
    assert.match(failed.err.join("\n"), /TRB-2001.*slow: cannot reach Kafka: b:9092/)
    const found = yield* Effect.provide(lag({ check: true, groups: ["slow", "stuck"] }), half)
    assert.deepStrictEqual(found.exit, Exit.succeed(ExitCode.different))
    const once = yield* Effect.provide(lag({ groups: ["slow", "stuck"] }), half)
    assert.deepStrictEqual(once.exit, Exit.succeed(ExitCode.failed))
  })))

it("a topic is asked for its ends once a sample, however many groups read it", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const admin = yield* Admin
    cluster.createTopic("orders", 1)
    for (let group = 0; group < 50; group++) {
      cluster.commitOffsets({ group: `group-${group}`, topic: "orders", offsets: [{ partition: 0, offset: 0n }] })
    }
    let asked = 0
    const counting = Layer.succeed(Admin, {
      ...admin,
      logRanges: (topic) => Effect.suspend(() => (asked++, admin.logRanges(topic)))
    })
    const { report } = yield* Effect.provide(lag({ allGroups: true }), counting)
    assert.lengthOf(report.groups, 51, "and the pipeline's own")
    assert.strictEqual(asked, 1)
  })))

it("a group that Kafka does not know is an error, alone or beside others; contradictions are refused", () =>
  inWorld(Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("orders", 1)
    cluster.commitOffsets({ group: "known", topic: "orders", offsets: [{ partition: 0, offset: 0n }] })
    const alone = yield* lag({ groups: ["unknown"] })
    assert.deepInclude(errorOf(alone.exit), { code: "TRB-2007", exit: ExitCode.failed })
    const both = yield* lag({ groups: ["known", "unknown"] })
    assert.deepStrictEqual(both.exit, Exit.succeed(ExitCode.failed))
    assert.deepInclude(both.report.groups[1], { group: "unknown", state: null, partitions: [] })
    const contradictions = [
      { check: true, watch: true },
      { denyWarnings: true },
      { allGroups: true, groups: ["known"] }
    ]
    for (const over of contradictions) {
      assert.strictEqual(errorOf((yield* lag(over)).exit)?.exit, ExitCode.usage, JSON.stringify(over))
    }
    const none = yield* lag({}, { ...config, topics: [] })
    assert.strictEqual(errorOf(none.exit)?.exit, ExitCode.usage)
  })))

it("where nothing can be learned one look fails with the reason's own exit code, a check with 1", () =>
  inWorld(Effect.gen(function*() {
    const down = Layer.mock(Admin, {
      logRanges: () => Effect.fail(new KafkaUnavailable({ what: "a:9092", cause: "refused" }))
    })
    const once = yield* Effect.provide(lag({}), down)
    assert.strictEqual(errorOf(once.exit)?.exit, ExitCode.unreachable)
    const checked = yield* Effect.provide(lag({ check: true }), down)
    assert.deepStrictEqual(checked.exit, Exit.succeed(ExitCode.failed))
    assert.match(checked.err.join("\n"), /TRB-2001/)
  })))
