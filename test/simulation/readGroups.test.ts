import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Array, Cause, Effect, Exit, Layer, Logger, Mailbox, Random, type Scope } from "effect"
import type { Admin } from "../../src/layers/Admin.js"
import type { Consumer } from "../../src/layers/Consumer.js"
import { delayed } from "../../src/layers/memory/Fate.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { startProcess } from "../../src/layers/memory/MemoryProcess.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { RecordTimes } from "../../src/layers/RecordTimes.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../../src/programs/exitCodes.js"
import { prepareReadGroups } from "../../src/programs/read/prepareGroups.js"
import { readGroupsCommand } from "../../src/programs/read/readGroups.js"
import type { ReadOptions } from "../../src/programs/read/settings.js"
import { captured } from "../programs/captured.js"
import { Disk } from "../programs/read/disk.js"
import { noOptions } from "../programs/read/readOptions.js"

const cluster = layerMemory({ fetchRecords: 20, pollIntervalMs: 50, heartbeatIntervalMs: 500, sessionTimeoutMs: 6000 })
const others = Layer.mergeAll(Layer.mock(RecordTimes, {}), Layer.mock(SchemaRegistry, {}))

const options: Omit<ReadOptions, "topic"> = {
  ...noOptions,
  commit: "sync",
  rotateBytes: 2000,
  java: { propertyFiles: [], flags: [], properties: ["auto.offset.reset=earliest", "max.poll.records=7"] }
}
const globals = {
  files: [],
  overrides: [{ name: "kafka.bootstrap.servers", value: "memory:9092", source: "test" }],
  output: "table"
} as const

/** A process with the groups of a file, its console, and its standard input. */
const startGroups = (groups: ReadonlyArray<object>, disk: Disk) =>
  Effect.gen(function*() {
    disk.put("consumer.json", Buffer.from(JSON.stringify(groups)))
    const { console, err, out } = captured()
    const input = yield* Mailbox.make<Uint8Array>()
    const request = { file: "consumer.json", topic: undefined, options }
    const reading = Effect.flatMap(
      prepareReadGroups(globals, {}, request),
      (prepared) => readGroupsCommand(prepared.groups, () => Effect.void, Mailbox.toStream(input))
    )
    const instance = yield* startProcess(
      reading.pipe(Effect.withConsole(console), Effect.provide(Layer.merge(slow(disk), others)))
    )
    return { instance, err, out, tell: (line: string) => input.unsafeOffer(Buffer.from(`${line}\n`)) }
  })

/** The disk takes its time, so that a kill comes between any two operations, and in the middle of a write. */
const slow = (disk: Disk): Layer.Layer<FileSystem.FileSystem> =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({
      ...fs,
      rename: (from, to) => slowly(fs.rename(from, to)),
      open: (name, how) =>
        Effect.map(fs.open(name, how), (file) => ({
          ...file,
          sync: slowly(file.sync),
          writeAll: (bytes: Uint8Array) =>
            Effect.zipRight(
              slowly(file.writeAll(bytes.subarray(0, bytes.length >> 1))),
              slowly(file.writeAll(bytes.subarray(bytes.length >> 1)))
            )
        }))
    }))
  ).pipe(Layer.provide(disk.layer))

const slowly = <A, E, R>(operation: Effect.Effect<A, E, R>) => Effect.delay(operation, 20)

/** Records `from` to `to` of a topic, in turn over its partitions. */
const feed = (topic: string, partitions: number, from: number, to: number) =>
  Effect.map(MemoryKafka, (kafka) => {
    if (!kafka.topics.has(topic)) kafka.createTopic(topic, partitions)
    for (let n = from; n < to; n++) kafka.append(topic, n % partitions, Buffer.from(`${topic} ${n}`))
  })

const run = <A, E>(effect: Effect.Effect<A, E, MemoryKafka | Consumer | Admin | Scope.Scope>, seed?: number): A =>
  simulate<A, E>(Effect.provide(effect, Layer.merge(cluster, Logger.remove(Logger.defaultLogger))), seed)

/** What the members of these numbers have printed. */
const printedBy = (out: ReadonlyArray<string>, from: number, to: number) =>
  out.flatMap((text) => text.split("\n")).flatMap((line) => {
    const [, member, value = ""] = /^consumer-thread-(\d+) >> (.*)$/.exec(line) ?? []
    return member !== undefined && Number(member) >= from && Number(member) <= to ? [value] : []
  }).toSorted()

const all = (topic: string, count: number) => Array.makeBy(count, (n) => `${topic} ${n}`).toSorted()

const three = [
  { "topic": "clicks", "group.id": "a", "consumer.no": 5 },
  { "topic": "clicks", "group.id": "b", "consumer.no": 2 },
  { "topic": "views", "group.id": "a" }
]

// Members 0 to 4 are group a on clicks, 5 and 6 group b on clicks, 7 group a on views, 8 a group whose folder belongs to somebody else.
describe("several groups in one process", () => {
  it("each has each record of its topic once, whatever becomes of another group or of one member", () =>
    run(Effect.gen(function*() {
      yield* feed("clicks", 3, 0, 100)
      yield* feed("views", 2, 0, 50)
      const disk = new Disk()
      disk.put("c.csv/consumer-thread-0.csv", Buffer.from("rows of somebody else"))
      const failing = { "topic": "views", "group.id": "c", "sink": "c.csv" }
      const { err, instance, out, tell } = yield* startGroups([...three, failing], disk)
      yield* Effect.sleep(20_000)
      assert.include(
        err,
        "9 members: 5 of group a on clicks, 2 of group b on clicks, 1 of group a on views, 1 of group c on views"
      )
      assert.include(err, "group a on clicks: 2 of 5 members stand by, clicks has 3 partitions")
      assert.lengthOf(err.filter((line) => line.startsWith("group c on views has failed, the others go on:\n")), 1)
      assert.deepStrictEqual(printedBy(out, 0, 4), all("clicks", 100))
      assert.deepStrictEqual(printedBy(out, 5, 6), all("clicks", 100))
      assert.deepStrictEqual(printedBy(out, 7, 7), all("views", 50))

      tell("stop consumer-thread-5")
      yield* Effect.sleep(20_000)
      assert.include(err, "consumer-thread-5 is told to stop; 7 of the members go on")
      assert.deepStrictEqual(err.filter((line) => line.endsWith("trigger WakeupException")), [
        "consumer-thread-5 trigger WakeupException"
      ])
      const before = printedBy(out, 5, 5).length
      yield* feed("clicks", 3, 100, 160)
      yield* Effect.sleep(20_000)
      assert.deepStrictEqual(printedBy(out, 0, 4), all("clicks", 160))
      assert.deepStrictEqual(printedBy(out, 5, 6), all("clicks", 160))
      assert.lengthOf(printedBy(out, 5, 5), before)

      yield* instance.stop
      assert.strictEqual(err.at(-1), "Bye")
      const exit = yield* instance.exit
      const defects = Exit.isFailure(exit) ? [...Cause.defects(exit.cause)] : []
      assert.deepStrictEqual(defects.map((defect) => defect instanceof CommandError && [defect.exit, defect.what]), [
        [ExitCode.failed, "1 of 4 groups failed: group c on views"]
      ])
    })))

  it("warns of what the file says to another command, once", () => {
    const warnings: globalThis.Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => void (logLevel.label === "WARN" && warnings.push(message)))
    run(
      Effect.gen(function*() {
        yield* feed("clicks", 3, 0, 1)
        yield* startGroups([{ "topic": "clicks", "group.id": "a", "table": "t" }, ...three.slice(1)], new Disk())
        yield* Effect.sleep(5000)
      }).pipe(Effect.provide(Logger.add(logger)))
    )
    assert.deepStrictEqual(warnings.flat(), [
      "consumer.json $[0].table: read writes no table and leaves t out; \"sink\" names a file"
    ])
  })
})

/** Rows of the files of a folder, as topic, partition and offset. */
const rowsIn = (disk: Disk, folder: string) =>
  [...disk.texts(".csv")].filter(([name]) => name.startsWith(`${folder}/`))
    .flatMap(([, text]) => text.split("\n"))
    .flatMap((line) => /^\w+,\d+,\d+(?=,)/.exec(line)?.[0] ?? [])
    .toSorted()

const offsetsOf = (topic: string, partitions: number, count: number) =>
  Array.makeBy(count, (n) => `${topic},${n % partitions},${Math.floor(n / partitions)}`)

/** Until so many steps more have been done on the disk, or there is nothing to do. */
const written = (disk: Disk, steps: number) =>
  Effect.suspend(() => {
    const target = disk.steps + steps
    return Effect.iterate(0, {
      while: (ms) => ms < 20_000 && disk.steps < target,
      body: (ms) => Effect.as(Effect.sleep(10), ms + 10)
    })
  })

// Method: processes with three groups that write into two folders are killed at random places of their writing, and started
// again before the sessions of the dead have ended, while records come in.
describe("groups that write into files", () => {
  const sinks = three.map((entry) => ({ ...entry, "sink": `${entry["group.id"]}.csv` }))
  for (const seed of Array.range(1, 6)) {
    it(`have each record in a row once, over processes that are killed (seed ${seed})`, () =>
      run(
        Effect.gen(function*() {
          const disk = new Disk()
          const kafka = yield* MemoryKafka
          kafka.commitFate = () => delayed(100)
          let fed = 0
          for (let life = 0; life < 5; life++) {
            yield* feed("clicks", 3, fed, fed + 40)
            yield* feed("views", 2, fed, fed + 40)
            fed += 40
            const { instance } = yield* startGroups(sinks, disk)
            yield* written(disk, yield* Random.nextIntBetween(1, 6000))
            yield* instance.kill
          }
          const { instance } = yield* startGroups(sinks, disk)
          yield* Effect.sleep(60_000)
          yield* instance.stop
          const [clicks, views] = [offsetsOf("clicks", 3, fed), offsetsOf("views", 2, fed)]
          assert.deepStrictEqual(rowsIn(disk, "a.csv"), [...clicks, ...views].toSorted())
          assert.deepStrictEqual(rowsIn(disk, "b.csv"), clicks.toSorted())
        }),
        seed
      ))
  }
})
