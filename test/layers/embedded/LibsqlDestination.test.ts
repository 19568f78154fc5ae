import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Fiber, Layer, Option } from "effect"
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import type { TablePlan } from "../../../src/domain/sql/TablePlan.js"
import { type Claim, Destination, type WriteRequest } from "../../../src/layers/Destination.js"
import { layer } from "../../../src/layers/embedded/LibsqlDestination.js"
import { openLibsql } from "../../../src/layers/embedded/libsqlFile.js"
import { destinationContract } from "../../contracts/destination.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"
import { defaultTopicSettings } from "../../../src/domain/TopicSettings.js"

destinationContract(
  "the libSQL file",
  Layer.unwrapScoped(Effect.map(temporaryFolder, (folder) =>
    // In a folder that does not exist yet.
    layer({ file: join(folder, "state", "tributary.db"), dialect: sqlite, autoCreate: true })))
)

const plan: TablePlan = {
  topic: "orders",
  schemaId: 1,
  table: "orders",
  columns: [
    { from: "value", path: ["id"], name: "id", type: { kind: "long" }, nullable: false },
    { from: "value", path: ["note"], name: "note", type: { kind: "string" }, nullable: true }
  ],
  key: [],
  metadata: [],
  notes: []
}
const group = "group-orders"

const makeDatabase = Effect.gen(function*() {
  const file = join(yield* temporaryFolder, "tributary.db")
  const destination = yield* serviceOf(Destination, layer({ file, dialect: sqlite, autoCreate: true }))
  yield* destination.prepare
  yield* destination.ensureTable(plan, defaultTopicSettings.evolution)
  /** Somebody with a shell on the file. */
  const shell = yield* openLibsql(file)
  return { file, destination, shell }
})

const claimOf = (destination: Context.Tag.Service<typeof Destination>, partition = 0) =>
  destination.acquire({ topic: plan.topic, partition, group, sourceId: 1, owner: randomUUID(), initial: 0n })
const batch = (claim: Claim, expected: bigint, next: bigint, columns = "id", value = "1"): WriteRequest => ({
  claim,
  letters: [],
  expected,
  next,
  statements: [
    `INSERT INTO "orders" (${columns}, "_source", "_partition", "_offset") VALUES (${value}, 1, ${claim.partition}, ${expected})`
  ]
})

describe("the libSQL file", () => {
  it.scopedLive("kafka_offsets shows exactly topic, partition, consumer_group and offset", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      const claim = yield* claimOf(destination)
      yield* destination.write(batch(claim, 0n, 12n))
      assert.deepStrictEqual(yield* shell.unsafe("select * from kafka_offsets"), [
        { topic: "orders", partition: 0n, consumer_group: group, offset: 12n }
      ])
    }))

  it.scopedLive("several writers have their turns, and so have timers", () =>
    Effect.gen(function*() {
      const { destination } = yield* makeDatabase
      let ticks = 0
      const timer = setInterval(() => ticks++, 0)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      const order: Array<number> = []
      yield* Effect.forEach([0, 1, 2], (partition) =>
        Effect.gen(function*() {
          const claim = yield* claimOf(destination, partition)
          for (let at = 0n; at < 20n; at++) {
            yield* destination.write({ claim, expected: at, next: at + 1n, statements: [], letters: [] })
            order.push(partition)
          }
        }), { concurrency: "unbounded" })
      // Nobody is ever more than a few transactions ahead of anybody.
      const counts = [0, 0, 0]
      for (const partition of order) {
        counts[partition] = (counts[partition] ?? 0) + 1
        assert.isAtMost(Math.max(...counts) - Math.min(...counts), 4)
      }
      assert.isAbove(ticks, 10)
    }))

  it.scopedLive("waits for a foreign writer when it acquires, and tells a batch to try again later", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      const claim = yield* claimOf(destination)
      yield* shell.unsafe("BEGIN IMMEDIATE")
      const outcome = yield* destination.write(batch(claim, 0n, 1n))
      assert(outcome._tag === "RolledBack")
      assert.strictEqual(outcome.error.class, "retriable")
      const waiting = yield* Effect.fork(claimOf(destination))
      // Until it has met the lock at least once; the foreign writer is still there then.
      yield* Effect.sleep("150 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* shell.unsafe("COMMIT")
      const second = yield* Fiber.join(waiting)
      assert.strictEqual(second.generation, claim.generation + 1n)
      // The connection that found the file busy is as good as new.
      for (let at = 0n; at < 3n; at++) {
        assert.strictEqual((yield* destination.write(batch(second, at, at + 1n)))._tag, "Committed")
      }
    }))

  it.scopedLive("a deleted row fences its owner", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      const claim = yield* claimOf(destination)
      yield* shell.unsafe("DELETE FROM kafka_offsets")
      assert.strictEqual((yield* destination.write(batch(claim, 0n, 1n)))._tag, "Fenced")
    }))

  it.scopedLive("a snapshot shows the rows of a partition whose stored offset was deleted", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      yield* destination.ensureTable(plan, defaultTopicSettings.evolution)
      // The first source of the file gets id 1, which the rows here have.
      yield* destination.source({ clusterId: "c", topic: "orders", topicId: "", group, pipeline: "p" })
      yield* destination.write(batch(yield* claimOf(destination), 0n, 1n))
      yield* shell.unsafe("DELETE FROM kafka_offsets")
      const rows = { count: 1n, distinctOffsets: 1n, firstOffset: 0n, lastOffset: 0n, beyondStored: 0n }
      assert.deepStrictEqual(yield* destination.snapshot([{ topic: "orders", group, table: plan.table }]), [
        { topic: "orders", partition: 0, group, storedOffset: undefined, rows }
      ])
    }))

  it.scopedLive("adopts a row that somebody else has written, with its offset", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      yield* shell.unsafe(`INSERT INTO kafka_offsets VALUES ('orders', 0, '${group}', 41)`)
      assert.deepStrictEqual(yield* destination.stored("orders", group), [
        { topic: "orders", partition: 0, group, offset: 41n, sourceId: 0 }
      ])
      assert.strictEqual((yield* claimOf(destination)).offset, 41n)
      assert.strictEqual((yield* destination.stored("orders", group))[0]?.sourceId, 1)
    }))

  const classes = [
    ["poison", "a value of another type", "\"id\"", "'text'"],
    ["poison", "NULL in a field that is there", "\"id\"", "NULL"],
    ["setup", "a required column that the record lacks", "\"note\"", "'x'"],
    ["setup", "a column that the table lacks", "\"id\", \"nope\"", "1, 2"],
    ["poison", "a value that a user's unique index has already", "\"id\"", "7"],
    ["poison", "a value that a user's CHECK refuses", "\"id\"", "-1"],
    ["unlisted", "a statement that is none", "\"id\"", "1 1"]
  ] as const
  for (const [errorClass, what, columns, value] of classes) {
    it.scopedLive(`${errorClass}: ${what}`, () =>
      Effect.gen(function*() {
        const { destination, shell } = yield* makeDatabase
        yield* shell.unsafe("DROP TABLE orders")
        yield* shell.unsafe(sqlite.createTable(plan).replace("NOT NULL,", "NOT NULL CHECK (id > 0),"))
        yield* shell.unsafe("CREATE UNIQUE INDEX one_each ON orders (id)")
        yield* shell.unsafe("INSERT INTO orders VALUES (7, NULL, 9, 9, 9)")
        const claim = yield* claimOf(destination)
        const outcome = yield* destination.write(batch(claim, 0n, 1n, columns, value))
        assert(outcome._tag === "RolledBack")
        assert.strictEqual(outcome.error.class, errorClass, outcome.error.what)
        assert.strictEqual(outcome.error.cure !== undefined, errorClass === "setup")
        assert.strictEqual((yield* destination.stored("orders", group))[0]?.offset, 0n)
        assert.strictEqual((yield* destination.write(batch(claim, 0n, 1n)))._tag, "Committed")
      }))
  }

  it.scopedLive("a table without Tributary's columns is used as it is; only its offsets can be verified", () =>
    Effect.gen(function*() {
      const { destination, shell } = yield* makeDatabase
      yield* shell.unsafe("CREATE TABLE own (id INTEGER NOT NULL, note TEXT, more TEXT) STRICT")
      assert.deepStrictEqual(
        yield* destination.ensureTable({ ...plan, table: "own" }, defaultTopicSettings.evolution),
        { keyColumns: false, ignored: new Set<string>() }
      )
      yield* claimOf(destination)
      const wanted = { topic: "orders", group }
      const snapshots = yield* destination.snapshot(["own", "missing", "orders"].map((table) => ({ ...wanted, table })))
      assert.deepStrictEqual(snapshots.map(({ rows }) => rows?.count), [undefined, 0n, 0n])
      assert.isFalse(yield* destination.holdsRows("own", 1, 0))
    }))

  it.scopedLive("without auto.create it names the statement; a required column that no field fills is refused", () =>
    Effect.gen(function*() {
      const { destination, file, shell } = yield* makeDatabase
      const manual = yield* serviceOf(Destination, layer({ file, dialect: sqlite, autoCreate: false }))
      const missing = yield* Effect.flip(
        manual.ensureTable({ ...plan, table: "by hand" }, defaultTopicSettings.evolution)
      )
      assert.include(missing.message, "table by hand does not exist; create it: CREATE TABLE")
      yield* shell.unsafe("CREATE TABLE strange (id TEXT NOT NULL, need INTEGER NOT NULL) STRICT")
      const error = yield* Effect.flip(
        destination.ensureTable({ ...plan, table: "strange" }, defaultTopicSettings.evolution)
      )
      assert.include(error.message, "column id is TEXT, not INTEGER")
      assert.include(error.message, "column need is NOT NULL without a default")
    }))

  it.scopedLive("a path that cannot be opened is unavailable or refused, never a crash", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      writeFileSync(
        join(folder, "not a database"),
        "This is text, and long enough to be taken for a header page.".repeat(99)
      )
      const text = yield* serviceOf(
        Destination,
        layer({ file: join(folder, "not a database"), dialect: sqlite, autoCreate: true })
      )
      const notOne = yield* Effect.flip(text.prepare)
      assert.strictEqual(notOne._tag, "DestinationRefused")
      assert.include(notOne.message, "not a database")
      const below = yield* serviceOf(
        Destination,
        layer({ file: join(folder, "not a database", "x.db"), dialect: sqlite, autoCreate: true })
      )
      assert.strictEqual((yield* Effect.flip(below.prepare))._tag, "DestinationUnavailable")
    }))
})
