import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option } from "effect"
import { mysql } from "../../src/domain/sql/mysql.js"
import { Admin } from "../../src/layers/Admin.js"
import { KafkaUnavailable } from "../../src/layers/Consumer.js"
import { Destination } from "../../src/layers/Destination.js"
import {
  layerMemory as layerDatabase,
  type MemoryDatabase,
  MemoryDatabaseState
} from "../../src/layers/memory/MemoryDestination.js"
import { defaultTopicSettings, type TopicSettings } from "../../src/domain/TopicSettings.js"
import { layerMemory as layerKafka, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { layerMemory as layerLogReader } from "../../src/layers/memory/MemoryLogReader.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { verifyCommand } from "../../src/programs/verify.js"
import { captured } from "./captured.js"

const config = {
  topics: ["orders"],
  consumerGroup: "group-${topic}",
  tables: { defaults: defaultTopicSettings, byTopic: new Map() },
  autoOffsetReset: "earliest" as const
}
const world = Layer.mergeAll(
  Layer.provideMerge(layerLogReader, layerKafka({ fetchRecords: 10, pollIntervalMs: 100 })),
  layerDatabase(mysql)
)

const verified = (
  options: { readonly topics?: ReadonlyArray<string>; readonly settings?: Partial<TopicSettings> } = {}
) =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    const tables = { ...config.tables, defaults: { ...defaultTopicSettings, ...options.settings } }
    const exit = yield* verifyCommand({ ...config, tables }, { topics: options.topics, output: "json" }).pipe(
      Effect.withConsole(console),
      Effect.exit
    )
    const printed = out.map((line) => JSON.parse(line))[0]
    return { exit, result: printed?.result, partitions: printed?.partitions ?? [], err }
  })

const store = (database: MemoryDatabase, partition: number, offset: bigint) =>
  database.offsets.set(`orders/${partition}/group-orders`, { offset, generation: 1n, owner: "me", sourceId: 1 })
const addRows = (database: MemoryDatabase, partition: number, offsets: ReadonlyArray<bigint>, table = "orders") => {
  for (const offset of offsets) {
    database.rows.push({ table, sourceId: 1, partition, offset, text: "", owner: "me", atMs: 0 })
  }
}
const value = new Uint8Array([1])

it.effect("a gap that control records, aborted records or tombstones leave is no difference", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    for (let index = 0; index < 3; index++) {
      cluster.append("orders", 0, value)
      cluster.appendInvisible("orders", 0)
    }
    cluster.append("orders", 0, null)
    store(database, 0, 7n)
    addRows(database, 0, [0n, 2n, 4n])
    store(database, 1, 0n)
    const { exit, partitions, result } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
    assert.strictEqual(result, "exact")
    assert.deepInclude(partitions[0], { stored: 7, end: 7, rows: 3, missing: 0, lag: 0, result: "exact" })
    assert.deepInclude(partitions[1], { stored: 0, end: 0, rows: 0, result: "exact" })
  }).pipe(Effect.provide(world)))

it.effect("a record that is not a row is missing, and the exit is 2", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    for (let index = 0; index < 5; index++) cluster.append("orders", 0, value)
    cluster.appendInvisible("orders", 0)
    store(database, 0, 6n)
    addRows(database, 0, [0n, 1n, 3n])
    const { exit, partitions } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(partitions[0], { missing: 2, result: "DIFFERENT" })
    assert.deepStrictEqual(partitions[0].notes, ["records without a row at offsets 2, 4"])
  }).pipe(Effect.provide(world)))

const visible = "record" as const
const invisible = "invisible" as const
it.effect.each([
  { name: "an aborted record beside its marker", log: [visible, invisible, invisible], rows: [0n, 1n], extra: [1n] },
  { name: "a marker", log: [visible, invisible, visible, invisible], rows: [0n, 1n, 2n], extra: [1n] },
  { name: "an aborted record, its marker to come", log: [invisible, invisible], rows: [0n], stored: 1n, extra: [0n] }
])("a row of $name is a difference, and the exit is 2", ({ extra, log, rows, stored }) =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    for (const entry of log) {
      if (entry === invisible) cluster.appendInvisible("orders", 0)
      else cluster.append("orders", 0, value)
    }
    store(database, 0, stored ?? BigInt(log.length))
    addRows(database, 0, rows)
    const { exit, partitions } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(partitions[0], { extra: extra.length, missing: 0, result: "DIFFERENT" })
    assert.include(partitions[0].notes[0], `tombstone: ${extra.join(", ")}`)
  }).pipe(Effect.provide(world)))

it.effect.each([
  { name: "no stored offset", partition: 0, stored: undefined, note: /^2 rows, and no stored offset/ },
  { name: "a partition that the topic does not have", partition: 7, stored: 2n, note: /beyond the log's end/ }
])("rows of $name are a difference, and the exit is 2", ({ note, partition, stored }) =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    for (let index = 0; index < 2; index++) cluster.append("orders", 0, value)
    if (stored !== undefined) store(database, partition, stored)
    addRows(database, partition, [0n, 1n])
    const { exit, partitions } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    const verdict = partitions.find((one: { readonly partition: number }) => one.partition === partition)
    assert.deepInclude(verdict, { rows: 2, result: "DIFFERENT" })
    assert.match(verdict.notes[0], note)
  }).pipe(Effect.provide(world)))

it.effect("a repeated row and one beyond the stored offset are differences", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    for (let index = 0; index < 3; index++) {
      cluster.append("orders", 0, value)
      cluster.append("orders", 1, value)
    }
    store(database, 0, 3n)
    addRows(database, 0, [0n, 1n, 1n, 2n])
    store(database, 1, 2n)
    addRows(database, 1, [0n, 1n, 2n])
    const { exit, partitions } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(partitions[0], { repeated: 1, beyond: 0, result: "DIFFERENT" })
    assert.deepInclude(partitions[1], { repeated: 0, beyond: 1, result: "DIFFERENT" })
  }).pipe(Effect.provide(world)))

it.effect("lag alone is no difference, also before the first record was read", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    for (let index = 0; index < 3; index++) cluster.append("orders", 0, value)
    cluster.append("orders", 1, value)
    store(database, 0, 1n)
    addRows(database, 0, [0n])
    const { exit, partitions, result } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
    assert.strictEqual(result, "behind")
    assert.deepInclude(partitions[0], { lag: 2, stored: 1, result: "behind" })
    assert.deepInclude(partitions[1], { lag: 1, stored: null, result: "behind" })
  }).pipe(Effect.provide(world)))

it.effect("a stretch longer than one window is compared to its end", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    const total = 125_000
    for (let index = 0; index < total; index++) cluster.append("orders", 0, value)
    store(database, 0, BigInt(total))
    const kept = Array.from({ length: total }, (_, index) => BigInt(index)).filter((offset) =>
      offset !== 49_999n && offset !== 50_000n && offset !== 124_999n
    )
    addRows(database, 0, kept)
    const { partitions } = yield* verified()
    assert.deepInclude(partitions[0], { missing: 3 })
    assert.match(partitions[0].notes[0], /49999, 50000, 124999/)
  }).pipe(Effect.provide(world)))

it.effect("a table that cannot tell is never called exact; the exit is 0, with a warning", () => {
  const offsetsOnly = Layer.mock(Destination, {
    dialect: Effect.succeed(mysql),
    snapshot: () => Effect.succeed([{ topic: "orders", partition: 0, group: "group-orders", storedOffset: 1n }]),
    stored: () => Effect.succeed([])
  })
  return Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("orders", 1)
    cluster.append("orders", 0, value)
    const { exit, partitions, result } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
    assert.strictEqual(result, "offsets only")
    assert.deepInclude(partitions[0], { rows: null, missing: null, result: "offsets only" })
  }).pipe(Effect.provide(Layer.merge(world, offsetsOnly)))
})

const perRecord = { tableNameFormat: "${topic}_${record}" }

it.effect("the rows of a topic with a table for each record type are those of all its tables, and of no other", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    for (let index = 0; index < 6; index++) cluster.append("orders", 0, value)
    store(database, 0, 6n)
    store(database, 1, 0n)
    addRows(database, 0, [0n, 2n, 5n], "orders_Created")
    addRows(database, 0, [1n, 3n], "orders_Paid")
    addRows(database, 0, [4n], "other_Paid")
    const lacking = yield* verified({ settings: perRecord })
    assert.deepInclude(lacking.partitions[0], { rows: 5, missing: 1, result: "DIFFERENT" })
    addRows(database, 0, [4n], "ORDERS_CANCELLED")
    const whole = yield* verified({ settings: perRecord })
    assert.deepInclude(whole.partitions[0], { rows: 6, missing: 0, repeated: 0, result: "exact" })
    assert.deepInclude(whole.partitions[1], { rows: 0, stored: 0, result: "exact" })
  }).pipe(Effect.provide(world)))

it.effect("a record in two tables is repeated, also where it hides one that is in none", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    for (let index = 0; index < 4; index++) cluster.append("orders", 0, value)
    store(database, 0, 4n)
    addRows(database, 0, [0n, 1n, 3n], "orders_Created")
    addRows(database, 0, [1n], "orders_Paid")
    const { exit, partitions } = yield* verified({ settings: perRecord })
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(partitions[0], { rows: 4, missing: 1, repeated: 1, result: "DIFFERENT" })
    assert.deepInclude(partitions[0].notes, "1 rows repeat an offset that another row has, in another table at 1")
  }).pipe(Effect.provide(world)))

it.effect("a topic that has no table yet is still told with its offset", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    cluster.append("orders", 0, value)
    store(database, 0, 1n)
    const { partitions } = yield* verified({ settings: perRecord })
    assert.deepInclude(partitions[0], { stored: 1, missing: 1, result: "DIFFERENT" })
  }).pipe(Effect.provide(world)))

it.effect("a dead letter takes the place of a row, and tombstones are counted", () => {
  const letters = Layer.effect(
    Destination,
    Effect.map(Destination, (inner) =>
      Destination.of({
        ...inner,
        letterOffsets: ({ from, partition, to }) =>
          Effect.succeed(partition === 0 ? [1n, 4n].filter((offset) => offset >= from && offset < to) : [])
      }))
  )
  return Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 2)
    for (const partition of [0, 1]) {
      for (const content of [value, value, null, value, null]) cluster.append("orders", partition, content)
      store(database, partition, 5n)
      addRows(database, partition, [0n, 3n])
    }
    const { exit, partitions } = yield* verified()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(partitions[0], { rows: 2, deadLetters: 2, tombstones: 1, missing: 0, result: "exact" })
    assert.deepInclude(partitions[1], { rows: 2, deadLetters: 0, tombstones: 2, missing: 1, result: "DIFFERENT" })
  }).pipe(Effect.provide(Layer.provideMerge(letters, world)))
})

it.effect("of an upsert only offsets are compared, and a row beyond the stored one is a difference", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    cluster.createTopic("orders", 1)
    for (let index = 0; index < 9; index++) cluster.append("orders", 0, value)
    store(database, 0, 9n)
    addRows(database, 0, [2n, 8n])
    const settings = { insertMode: "upsert", keyMode: "record_key" } as const
    const right = yield* verified({ settings })
    assert.deepInclude(right.partitions[0], { rows: 2, missing: 0, lag: 0, result: "offsets only" })
    assert.match(right.partitions[0].notes[0], /an upsert leaves one row of several records/)
    addRows(database, 0, [9n])
    const wrong = yield* verified({ settings })
    assert.deepStrictEqual(wrong.exit, Exit.succeed(ExitCode.different))
    assert.deepInclude(wrong.partitions[0], { beyond: 1, result: "DIFFERENT" })
  }).pipe(Effect.provide(world)))

it.effect("the snapshot is taken before the ends of the log are read", () => {
  const order: Array<string> = []
  const recording = Layer.mergeAll(
    Layer.mock(Destination, {
      dialect: Effect.succeed(mysql),
      snapshot: () => Effect.sync(() => void order.push("rows")).pipe(Effect.as([]))
    }),
    Layer.mock(Admin, { logRanges: () => Effect.sync(() => void order.push("log")).pipe(Effect.as([])) })
  )
  return Effect.gen(function*() {
    yield* verified()
    assert.deepStrictEqual(order, ["rows", "log"])
  }).pipe(Effect.provide(Layer.merge(world, recording)))
})

const errorOf = <A, E>(exit: Exit.Exit<A, E>) =>
  Option.getOrUndefined(Option.flatMap(Exit.causeOption(exit), Cause.failureOption))

it.effect("a topic that is missing, one that is not configured, and Kafka out of reach have each their exit", () =>
  Effect.gen(function*() {
    assert.strictEqual(errorOf((yield* verified()).exit)?.exit, ExitCode.configuration)
    assert.strictEqual(errorOf((yield* verified({ topics: ["other"] })).exit)?.exit, ExitCode.usage)
    const down = Layer.mock(Admin, {
      logRanges: () => Effect.fail(new KafkaUnavailable({ what: "localhost:9092", cause: "refused" }))
    })
    const { exit } = yield* verified().pipe(Effect.provide(down))
    assert.strictEqual(errorOf(exit)?.exit, ExitCode.unreachable)
  }).pipe(Effect.provide(world)))
