import { assert, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import { Admin } from "../../../src/layers/Admin.js"
import { Destination } from "../../../src/layers/Destination.js"
import { layer as adminLayer } from "../../../src/layers/embedded/FileLogAdmin.js"
import { layer as groupsLayer } from "../../../src/layers/embedded/FileLogGroups.js"
import { layer as producerLayer } from "../../../src/layers/embedded/FileLogProducer.js"
import { layer as timesLayer } from "../../../src/layers/embedded/FileLogRecordTimes.js"
import { layer as destinationLayer } from "../../../src/layers/embedded/LibsqlDestination.js"
import { layer as positionsLayer } from "../../../src/layers/embedded/libsqlPositions.js"
import { committedFile } from "../../../src/layers/embedded/logFolder.js"
import { Groups } from "../../../src/layers/Groups.js"
import { Positions } from "../../../src/layers/Positions.js"
import { Producer } from "../../../src/layers/Producer.js"
import { RecordTimes } from "../../../src/layers/RecordTimes.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

const commit = (root: string, group: string, topic: string, offset: number) =>
  Effect.promise(async () => {
    const file = committedFile(root, group, topic)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify([[0, String(offset)]]))
  })

it.scopedLive("groups are those that have committed, whatever their names; a folder that is not there has none", () =>
  Effect.gen(function*() {
    const root = yield* temporaryFolder
    const groups = yield* serviceOf(Groups, groupsLayer(root))
    assert.deepStrictEqual(yield* groups.list, { groups: [], failures: [] })
    const admin = yield* serviceOf(Admin, adminLayer(root))
    yield* admin.createTopic({ topic: "a", partitions: 1 })
    yield* admin.createTopic({ topic: "b.a", partitions: 1 })
    yield* commit(root, "one/group", "a", 3)
    yield* commit(root, "one/group", "b.a", 4)
    yield* commit(root, "two", "b.a", 5)
    assert.deepStrictEqual(yield* groups.list, { groups: ["one/group", "two"], failures: [] })
    const described = yield* groups.describe(["one/group"])
    assert.deepStrictEqual(
      described.get("one/group"),
      Either.right({
        group: "one/group",
        state: "",
        members: [],
        committed: [{ topic: "a", partition: 0, offset: 3n }, { topic: "b.a", partition: 0, offset: 4n }]
      })
    )
  }))

it.scopedLive("a record's time is that of the first record at or after the offset; at the end there is none", () =>
  Effect.gen(function*() {
    const root = yield* temporaryFolder
    const services = yield* Effect.all([
      serviceOf(Admin, adminLayer(root)),
      serviceOf(Producer, producerLayer({ root })),
      serviceOf(RecordTimes, timesLayer(root))
    ])
    const [admin, producer, times] = services
    yield* admin.createTopic({ topic: "t", partitions: 2 })
    for (const timestampMs of [1000, 2000]) {
      yield* producer.send("t", [0, 1].map(() => ({ partition: 1, key: null, value: new Uint8Array(1), timestampMs })))
    }
    const next = (offset: bigint) =>
      Effect.map(
        times.next({ topic: "t", isolation: "read_committed", offsets: new Map([[0, 0n], [1, offset]]) }),
        (found) => [...found]
      )
    assert.deepStrictEqual(yield* next(1n), [[1, 1000]])
    assert.deepStrictEqual(yield* next(2n), [[1, 2000]])
    assert.deepStrictEqual(yield* next(4n), [])
  }))

it.scopedLive("stored positions are read from the file; one that is not there is not made", () =>
  Effect.gen(function*() {
    const file = join(yield* temporaryFolder, "bank.db")
    const positions = yield* serviceOf(Positions, positionsLayer(file))
    const wanted = [{ topic: "orders", group: "g" }]
    assert.deepStrictEqual(yield* positions.stored(wanted), [])
    assert.isFalse(existsSync(file))
    const destination = yield* serviceOf(Destination, destinationLayer({ file, dialect: sqlite, autoCreate: true }))
    yield* destination.prepare
    const identity = { clusterId: "c", topic: "orders", topicId: "", group: "g", pipeline: "p" }
    const sourceId = yield* destination.source(identity)
    yield* destination.acquire({ topic: "orders", partition: 2, group: "g", sourceId, owner: "me", initial: 7n })
    assert.deepStrictEqual(yield* positions.stored(wanted), [
      { topic: "orders", partition: 2, group: "g", offset: 7n, ageMs: undefined }
    ])
  }))
