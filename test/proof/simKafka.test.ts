import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, type Scope } from "effect"
import { SimRegistry } from "../../proof/simulation/SimRegistry.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { answerLost, delayed, type Fate, prompt, requestLost, stale } from "../../src/layers/memory/Fate.js"
import type { ClusterCounts, GroupRequest, MemoryCluster } from "../../src/layers/memory/MemoryCluster.js"
import { layerMemory as layerMemoryDatabase, MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { layerMemory as layerMemoryKafka, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { type MemoryProcess, startProcess } from "../../src/layers/memory/MemoryProcess.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import type { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { Transactions } from "../../src/layers/Transactions.js"
import { runCommand } from "../../src/programs/run.js"
import { differences, payment, testConfig } from "../support/pipeline.js"

// Goal: whatever goes wrong in Kafka, nothing is lost, repeated or out of order, and the lag comes to zero. Method: two
// processes of the main job on four partitions and three brokers, records all the time, and one fault; that the fault has
// happened is counted, because a fault that does not happen tests nothing.

const schema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })
const servers = Layer.mergeAll(
  layerMemoryKafka({
    fetchRecords: 10,
    pollIntervalMs: 100,
    heartbeatIntervalMs: 1000,
    sessionTimeoutMs: 6000,
    brokers: 3
  }),
  layerMemoryDatabase(mysql)
)

type Process = MemoryProcess<unknown, unknown>
type Services = Layer.Layer.Success<typeof servers> | SchemaRegistry | Scope.Scope

const startJob = startProcess(
  Effect.suspend(() =>
    runCommand(testConfig({ "blocking.queue.size": "20", "max.poll.records": "10" }), { untilEnd: false })
  )
)

const inWorld = <A>(world: Effect.Effect<A, unknown, Services>): A =>
  simulate(
    world.pipe(
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.provide(Layer.merge(servers, new SimRegistry([[7, schema]]).layer))
    ),
    1
  )

const pouring = (kafka: MemoryCluster) =>
  Effect.gen(function*() {
    for (let id = 0;; id++) {
      kafka.append("orders", id % (kafka.topics.get("orders")?.logs.length ?? 1), payment(id))
      yield* Effect.sleep(100)
    }
  })

/** Records for 20 s and longer; after 5 s the fault, for as long as its effect takes. Then a minute of peace. */
const through = <E>(
  fault: (kafka: MemoryCluster, processes: readonly [Process, Process]) => Effect.Effect<unknown, E, Services>
) =>
  inWorld(Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const database = yield* MemoryDatabaseState
    database.latencyMs = 20
    kafka.createTopic("orders", 4)
    const producer = yield* startProcess(pouring(kafka))
    const processes = [yield* startJob, yield* startJob] as const
    yield* Effect.sleep("5 seconds")
    yield* fault(kafka, processes)
    yield* Effect.sleep("15 seconds")
    yield* producer.stop
    yield* Effect.sleep("1 minute")
    return { found: yield* differences, counts: kafka.counts, rows: database.rows.length }
  }))

/** Now and then, in a pattern that no program can be in step with. */
const everyNth = <A>(nth: number, make: () => A, otherwise: A) => {
  let turn = 0
  return () => ++turn % nth === 0 ? make() : otherwise
}
const once = (api: GroupRequest["api"], fate: Fate) => {
  let left = 1
  return (request: GroupRequest) => request.api === api && left-- > 0 ? fate : prompt
}
const rebalance = Effect.flatMap(
  MemoryKafka,
  (kafka) => Effect.sync(() => kafka.group("group-orders", "orders").rebalance())
)

interface Fault {
  readonly name: string
  readonly happens: Parameters<typeof through>[0]
  /** Of which there must have been some. */
  readonly counted: ReadonlyArray<keyof ClusterCounts>
}

const brokersAndMembers: ReadonlyArray<Fault> = [
  {
    name: "a broker is away for 20 s",
    happens: ({ brokers }) =>
      Effect.sync(() => brokers.stop(1)).pipe(
        Effect.zipRight(Effect.sleep("20 seconds")),
        Effect.tap(() => brokers.start(1))
      ),
    counted: ["stalls"]
  },
  {
    name: "all brokers are away for two minutes",
    happens: ({ brokers }) =>
      Effect.sync(() => brokers.stopAll()).pipe(
        Effect.zipRight(Effect.sleep("2 minutes")),
        Effect.tap(() => brokers.startAll())
      ),
    counted: ["stalls", "unanswered"]
  },
  {
    name: "leaders move",
    happens: ({ brokers }) =>
      Effect.sync(() => {
        brokers.moveLeader("orders", 0, 2)
        brokers.moveLeader("orders", 1, 2)
      }),
    counted: ["rejoins"]
  },
  {
    name: "the coordinator dies, and another broker takes over after a while",
    happens: ({ brokers }) =>
      Effect.sync(() => brokers.stop(0)).pipe(
        Effect.zipRight(Effect.sleep("8 seconds")),
        Effect.tap(() => brokers.moveCoordinator("group-orders", 2)),
        Effect.zipRight(Effect.sleep("8 seconds")),
        Effect.tap(() => brokers.start(0))
      ),
    counted: ["unanswered", "rebalances"]
  },
  {
    name: "a member is cut off until others have what it has, and comes back",
    happens: (kafka) =>
      Effect.sync(() => kafka.members[0] === undefined ? undefined : (kafka.members[0].cut = true)).pipe(
        Effect.zipRight(Effect.sleep("15 seconds")),
        Effect.tap(() => kafka.reconnect())
      ),
    counted: ["sessionsExpired", "unanswered"]
  },
  {
    name: "a process stands still until others have what it has, and goes on as a zombie",
    happens: (_, [first]) =>
      first.freeze.pipe(Effect.zipRight(Effect.sleep("15 seconds")), Effect.zipRight(first.thaw)),
    counted: ["sessionsExpired"]
  },
  {
    name: "a process is killed, and its member lingers",
    happens: (_, [first]) => first.kill,
    counted: ["sessionsExpired"]
  },
  {
    name: "a client crashes and starts anew",
    happens: (kafka) => Effect.sync(() => kafka.members[1]?.crash()),
    counted: ["rebalances"]
  },
  {
    name: "the answer to a JoinGroup is lost: the member is one, and does not know it",
    happens: (kafka) =>
      Effect.zipRight(
        Effect.sync(() => (kafka.groupFate = once("JoinGroup", answerLost(15_000)))),
        rebalance
      ),
    counted: ["unanswered", "syncsMissed"]
  },
  {
    name: "the leader's plan never arrives, while the others wait for it",
    happens: (kafka) =>
      Effect.zipRight(Effect.sync(() => (kafka.groupFate = once("SyncGroup", requestLost(15_000)))), rebalance),
    counted: ["unanswered", "syncsMissed"]
  },
  {
    name: "a JoinGroup is later than the rebalance lasts, though its member sends heartbeats",
    happens: (kafka) =>
      Effect.zipRight(Effect.sync(() => (kafka.groupFate = once("JoinGroup", delayed(9000)))), rebalance),
    counted: ["joinsMissed"]
  },
  {
    name: "each generation gives the partitions to other members",
    happens: (kafka) =>
      Effect.gen(function*() {
        const isTurned = everyNth(2, () => true, false)
        kafka.assignOrder = (members) => isTurned() ? members.toReversed() : members
        for (let round = 0; round < 4; round++) {
          yield* rebalance
          yield* Effect.sleep("3 seconds")
        }
      }),
    counted: ["rebalances"]
  }
]

const forAWhile = (kafka: MemoryCluster, begin: () => void, end: () => void, seconds = 10) =>
  Effect.sync(begin).pipe(Effect.zipRight(Effect.sleep(seconds * 1000)), Effect.tap(end), Effect.as(kafka))
const slipping = (slip: "repeat" | "stale" | "skip"): Fault => ({
  name: `batches slip through to the program: ${slip}`,
  happens: (kafka) => {
    const next = everyNth(5, () => slip, undefined)
    return Effect.zipRight(
      rebalance,
      forAWhile(kafka, () => (kafka.slip = next), () => (kafka.slip = () => undefined))
    )
  },
  counted: [slip]
})

const fetchesAndQuestions: ReadonlyArray<Fault> = [
  slipping("repeat"),
  slipping("stale"),
  slipping("skip"),
  {
    name: "fetches are answered late, over rebalances too",
    happens: (kafka) =>
      forAWhile(kafka, () => (kafka.fetchFate = () => stale(2500)), () => (kafka.fetchFate = () => prompt)).pipe(
        Effect.zipLeft(Effect.delay(rebalance, "3 seconds"), { concurrent: true })
      ),
    counted: ["staleDropped"]
  },
  {
    name: "fetches are not answered",
    happens: (kafka) => {
      const next = everyNth(2, () => requestLost(5000), prompt)
      return forAWhile(kafka, () => (kafka.fetchFate = next), () => (kafka.fetchFate = () => prompt))
    },
    counted: ["unanswered"]
  },
  {
    name: "questions are answered late, with what was true before, while partitions move",
    happens: (kafka) =>
      Effect.zipRight(
        rebalance,
        forAWhile(kafka, () => (kafka.adminFate = () => stale(4000)), () => (kafka.adminFate = () => prompt), 20)
      ),
    counted: ["rebalances"]
  },
  {
    name: "questions are not answered, while partitions move",
    happens: (kafka) =>
      Effect.zipRight(
        rebalance,
        forAWhile(kafka, () => (kafka.adminFate = () => requestLost(500)), () => (kafka.adminFate = () => prompt))
      ),
    counted: ["unanswered"]
  },
  {
    name: "partitions are added",
    happens: (kafka) => Effect.sync(() => kafka.addPartition("orders")),
    counted: ["rebalances"]
  },
  {
    name: "a transaction stays open until the coordinator aborts it, because its producer is dead",
    happens: (kafka) =>
      Effect.gen(function*() {
        const transactions = yield* Transactions
        const producer = yield* startProcess(Effect.scoped(Effect.gen(function*() {
          const open = yield* transactions.open({ transactionalId: "dead", timeoutMs: 30_000 })
          yield* open.send("orders", [{ key: null, value: payment(1), partition: 0 }])
          return yield* Effect.never
        })))
        yield* Effect.sleep("1 second")
        yield* producer.kill
        yield* Effect.sleep("20 seconds")
        const { end, lastStable } = kafka.log("orders", 0)
        assert.isBelow(Number(lastStable), Number(end))
      }),
    counted: []
  }
]

describe("the main job while Kafka", () => {
  for (const { counted, happens, name } of [...brokersAndMembers, ...fetchesAndQuestions]) {
    it(name, () => {
      const { counts, found, rows } = through(happens)
      assert.deepStrictEqual(found, [])
      assert.isAbove(rows, 150)
      for (const kind of counted) assert.isAbove(counts[kind], 0, kind)
    })
  }

  it("loses the topic, and has another one of the name: nothing of the new life is written over the old one", () =>
    inWorld(Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.createTopic("orders", 2)
      const producer = yield* startProcess(pouring(kafka))
      yield* startJob
      yield* Effect.sleep("5 seconds")
      kafka.deleteTopic("orders")
      yield* producer.kill
      yield* Effect.sleep("40 seconds")
      const rows = database.rows.length
      kafka.createTopic("orders", 2)
      const again = yield* startProcess(pouring(kafka))
      yield* Effect.sleep("1 minute")
      yield* again.kill
      assert.isAbove(rows, 30)
      assert.strictEqual(database.rows.length, rows)
      assert.isAbove(kafka.counts.rejoins, 0)
    })))

  it("lets batches slip, and nothing but the chain of offsets keeps them out: one writer, without compare-and-set", () => {
    const found = (["repeat", "stale", "skip"] as const).map((slip) =>
      inWorld(Effect.gen(function*() {
        const kafka = yield* MemoryKafka
        const database = yield* MemoryDatabaseState
        database.fenced = false
        kafka.createTopic("orders", 2)
        kafka.slip = everyNth(3, () => slip, undefined)
        const producer = yield* startProcess(pouring(kafka))
        yield* startJob
        yield* Effect.sleep("10 seconds")
        kafka.slip = () => undefined
        // One that is skipped is noticed when the next one comes.
        yield* Effect.sleep("5 seconds")
        yield* producer.stop
        yield* Effect.sleep("1 minute")
        assert.isAbove(kafka.counts[slip], 0)
        return yield* differences
      }))
    )
    assert.deepStrictEqual(found, [[], [], []])
  })

  it("takes away what a reader stands before: the partition stops, and the gap is told", () =>
    inWorld(Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.createTopic("orders", 1)
      const producer = yield* startProcess(pouring(kafka))
      const job = yield* startJob
      yield* Effect.sleep("5 seconds")
      yield* job.freeze
      yield* Effect.sleep("20 seconds")
      const stored = database.offsets.get("orders/0/group-orders")?.offset
      kafka.trim("orders", 0, kafka.log("orders", 0).end - 10n)
      yield* job.thaw
      yield* Effect.sleep("1 minute")
      yield* producer.kill
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, stored)
    })))
})
