import { Deferred, Effect, Either, Layer, Logger, Schedule } from "effect"
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise"
import { writeFrame } from "../../../src/domain/WireFormat.js"
import { compile } from "../../../src/layers/avro/AvroCodec.js"
import { Destination } from "../../../src/layers/Destination.js"
import { layerMemory as layerMemoryKafka, MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { type MemoryProcess, startProcess } from "../../../src/layers/memory/MemoryProcess.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { layerMemory as layerMemoryRegistry } from "../../../src/layers/registry/MemoryRegistry.js"
import { SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import { runCommand } from "../../../src/programs/run.js"
import { testConfig } from "../../support/pipeline.js"
import { keyOf } from "../../support/schemaModel.js"
import { avroSchema, type Fault, valueOf, type Version, type Walk } from "../../support/schemaWalk.js"

export interface WalkServer {
  readonly address: string
  readonly database: string
  readonly admin: Connection
  /** Where its list of connections is: MySQL's older one fails on what others' statements hold, MariaDB has that alone. */
  readonly processes: "performance_schema.processlist" | "information_schema.processlist"
  /** One account for each instance, so that its connections can be told from the other's. */
  readonly users: readonly [string, string]
  readonly password: string
}

/** What an instance has said of its membership and of the partitions that it cannot go on with. */
interface Said {
  generation: string
  assigned: ReadonlyArray<number>
  readonly stopped: Map<number, string>
}

/** Between the instances of a walk. */
interface Shared {
  readonly dies: Deferred.Deferred<void>
  readonly meeting: Meeting
}

interface Instance {
  readonly process: MemoryProcess<unknown, unknown>
  readonly member: number
  readonly user: string
  readonly said: Said
}

/** Reads the lines that people read. */
const listening = (said: Said) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => {
      const line = String(message)
      const [, partitions, generation] = /^partitions assigned: (.*) \[group=.* generation=(\d+)\]$/u.exec(line) ?? []
      const [, partition, why] = /^partition \w+-(\d+) is stopped: (.*)$/su.exec(line) ?? []
      if (generation !== undefined || line.startsWith("partitions lost")) {
        said.generation = generation ?? ""
        said.assigned = partitions === undefined || partitions === "none" ? [] : partitions.split(", ").map(Number)
        said.stopped.clear()
      }
      if (partition !== undefined) said.stopped.set(Number(partition), why ?? "")
    })
  )

const encoded = (version: Version, seed: number): Uint8Array =>
  Either.getOrThrow(compile(avroSchema(version))).encode(
    Object.fromEntries(version.map((field) => [field.name, valueOf(field, seed)]))
  )

/** Ids of the key's schema and of each version's. */
const register = (topic: string, walk: Walk) =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const key = yield* registry.register(`${topic}-key`, JSON.stringify("long"))
    const versions = yield* Effect.forEach(walk.versions, (version) =>
      registry.register(`${topic}-value`, avroSchema(version)))
    return { key, versions }
  })

const keyCodec = Either.getOrThrow(compile(JSON.stringify("long")))

/** The records from `from` to `to`, each into its partition. */
const append = (
  topic: string,
  walk: Walk,
  ids: { readonly key: number; readonly versions: ReadonlyArray<number> },
  from: number,
  to?: number
) =>
  Effect.map(MemoryKafka, (kafka) => {
    for (const record of walk.records.slice(from, to)) {
      const version = walk.versions[record.version] ?? []
      const value = record.tombstone
        ? null
        : writeFrame(ids.versions[record.version] ?? 0, encoded(version, record.seed))
      const key = writeFrame(ids.key, keyCodec.encode(BigInt(keyOf(record))))
      kafka.append(topic, record.partition, value, key)
    }
  })

const settings = ({ address, database, password }: WalkServer, topic: string, walk: Walk, user: string) => ({
  "kafka.topics": topic,
  "mysql.url": `mysql://${new URL(address).host}/${database}`,
  "mysql.username": user,
  "mysql.password": password,
  "schema.evolution": walk.policy.mode,
  "schema.evolution.allow.copy": String(walk.policy.allowCopy),
  "types.float": "float",
  "types.enum": "enum",
  ...(walk.upsert ? { "insert.mode": "upsert", "pk.mode": "record_key", "delete.enabled": "true" } : {}),
  "batch.max.rows": String(walk.batchRows),
  "linger.ms": "0",
  "retry.backoff.ms": "10",
  "kafka.commit.advisory": "false"
})

/** Every connection of an account ends, as when its process or the network does. */
const cut = ({ admin, processes }: WalkServer, user: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    const [rows] = await admin.query<Array<RowDataPacket>>(
      `SELECT ID AS id FROM ${processes} WHERE USER = ?`,
      [user]
    )
    // One that has ended meanwhile is unknown.
    for (const { id } of rows) await admin.query(`KILL ${String(id)}`).catch(notThere)
  })
const notThere = (error: unknown): void => {
  if (!(error instanceof Error && "errno" in error && error.errno === 1094)) throw error
}

/** The real destination, to which the fault happens. */
const layerFaulty = (
  server: WalkServer,
  config: ReturnType<typeof testConfig>,
  user: string,
  fault: Fault | undefined,
  shared: Shared
) => {
  const { autoCreate, ddlLockTimeoutMs, mysql } = config
  if (mysql.kind !== "mysql") throw new Error("the walk needs a server")
  let [looks, writes] = [0, 0]
  const faulty = Effect.map(Destination, (real) => {
    const dying = Effect.suspend(() =>
      fault?.kind === "dies-after-ddl" && ++looks === fault.at
        ? Effect.zipRight(Deferred.succeed(shared.dies, undefined), Effect.never)
        : Effect.void
    )
    return Destination.of({
      ...real,
      ensureTable: (plan, policy) =>
        meet(shared.meeting).pipe(Effect.zipRight(real.ensureTable(plan, policy)), Effect.zipLeft(dying)),
      write: (request) =>
        fault?.kind === "loses-connections" && ++writes === fault.at
          ? Effect.zipLeft(real.write(request), cut(server, user), { concurrent: true })
          : real.write(request)
    })
  })
  return Layer.provide(Layer.effect(Destination, faulty), layerMysql({ ...mysql, autoCreate, ddlLockTimeoutMs }))
}

/** The first waits a moment for the second, so that both alter the table at once; not for one that does not come. */
interface Meeting {
  come: Deferred.Deferred<void> | undefined
}
const meet = (meeting: Meeting): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (meeting.come !== undefined) return yield* Effect.asVoid(Deferred.succeed(meeting.come, undefined))
    const come = meeting.come = yield* Deferred.make<void>()
    yield* Effect.timeoutOption(Deferred.await(come), "30 millis")
    meeting.come = undefined
  })

const startInstance = (
  server: WalkServer,
  topic: string,
  walk: Walk,
  which: 0 | 1,
  fault: Fault | undefined,
  shared: Shared
) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const user = server.users[which]
    const config = testConfig(settings(server, topic, walk, user))
    const said: Said = { generation: "", assigned: [], stopped: new Map() }
    const member = kafka.members.length
    const process = yield* startProcess(
      runCommand(config, { untilEnd: false }).pipe(
        Effect.provide(Layer.merge(layerFaulty(server, config, user, fault, shared), listening(said)))
      )
    )
    yield* waitFor(`instance ${which} is a member`, () => Effect.sync(() => kafka.members.length > member))
    return { process, member, user, said } satisfies Instance
  })

/** Dies as of SIGKILL: its connections end, and the group hears of it at once, so that no test waits for a session's end. */
const kill = (server: WalkServer, { member, process, user }: Instance) =>
  Effect.gen(function*() {
    yield* process.kill
    yield* cut(server, user)
    const kafka = yield* MemoryKafka
    kafka.members[member]?.evict()
  })

const waitFor = <R>(what: string, condition: () => Effect.Effect<boolean, never, R>) =>
  Effect.suspend(condition).pipe(
    Effect.filterOrFail((holds) => holds, () => `waited in vain: ${what}`),
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo("3 minutes"))),
    Effect.orDieWith((why) => new Error(why)),
    Effect.asVoid
  )

const storedOffsets = ({ admin }: WalkServer, topic: string, partitions: number) =>
  Effect.promise(async () => {
    const [rows] = await admin.query<Array<RowDataPacket>>(
      "SELECT `partition` AS p, CAST(`offset` AS CHAR) AS o FROM kafka_offsets WHERE topic = ?",
      [topic]
    )
    const stored = new Map(rows.map((row) => [Number(row["p"]), Number(row["o"])]))
    return Array.from({ length: partitions }, (_, partition) => stored.get(partition) ?? 0)
  })

/** Each partition has one owner, and is at the end of its log or has said why not. */
const isSettled = (server: WalkServer, topic: string, walk: Walk, instances: ReadonlyArray<Instance>) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const all = instances.map(({ said }) => said)
    const assigned = all.flatMap((said) => said.assigned)
    if (new Set(assigned).size !== walk.partitions || assigned.length !== walk.partitions) return false
    const stored = yield* storedOffsets(server, topic, walk.partitions)
    return stored.every((offset, partition) =>
      BigInt(offset) === kafka.log(topic, partition).end || all.some(({ stopped }) => stopped.has(partition))
    )
  })

/**
 * Reads the table all the time, each time in a transaction of its own, as users do. Its rows are always as many as the
 * offsets say.
 */
const reader = ({ address, database }: WalkServer, topic: string, walk: Walk) =>
  Effect.gen(function*() {
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() => createConnection({ uri: address, database, multipleStatements: true })),
      (opened) => Effect.promise(() => opened.end())
    )
    const look = async (): Promise<void> => {
      try {
        await connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        const [offsets] = await connection.query<Array<RowDataPacket>>(
          "SELECT `partition` AS p, CAST(`offset` AS CHAR) AS o FROM kafka_offsets WHERE topic = ?",
          [topic]
        )
        const [rows] = await connection.query<Array<RowDataPacket>>(`SELECT * FROM ${topic}`)
        const wanted = offsets.map((row) => rowsBefore(walk, Number(row["p"]), Number(row["o"])))
          .reduce((sum, one) => sum + one, 0)
        if (!walk.upsert && rows.length !== wanted) {
          throw new Error(`a reader saw ${rows.length} rows, and offsets of ${wanted}`)
        }
      } catch (error) {
        if (!(error instanceof Error && "errno" in error && notYet.has(Number(error.errno)))) throw error
      } finally {
        await connection.query("COMMIT")
      }
    }
    return yield* Effect.uninterruptible(Effect.promise(look)).pipe(
      Effect.delay("15 millis"),
      Effect.forever
    )
  })
/** No such table; the table has changed since the snapshot. */
const notYet = new Set([1146, 1412])

/** In insert mode. */
const rowsBefore = (walk: Walk, partition: number, stored: number): number =>
  walk.records.filter((record) => record.partition === partition).slice(0, stored)
    .filter(({ tombstone }) => !tombstone).length

/** The walk to its end: the stored offsets, and what the partitions that have stopped say. */
export const runWalk = (server: WalkServer, topic: string, walk: Walk) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    kafka.createTopic(topic, walk.partitions)
    const ids = yield* register(topic, walk)
    const half = walk.records.length >> 1
    yield* append(topic, walk, ids, 0, half)
    const shared: Shared = { dies: yield* Deferred.make<void>(), meeting: { come: undefined } }
    const start = (which: 0 | 1, fault: Fault | undefined) =>
      startInstance(server, topic, walk, which, fault?.instance === which ? fault : undefined, shared)
    const instances = [yield* start(0, walk.fault), yield* start(1, walk.fault)]
    yield* append(topic, walk, ids, half)
    const revive = Effect.gen(function*() {
      yield* Deferred.await(shared.dies)
      const which = walk.fault?.instance ?? 0
      const dead = instances[which]
      if (dead === undefined) return
      yield* kill(server, dead)
      instances[which] = { ...dead, said: { generation: "dead", assigned: [], stopped: new Map() } }
      instances[which] = yield* start(which, undefined)
    })
    yield* Effect.forkScoped(revive)
    const settled = waitFor(`${topic} is settled`, () => isSettled(server, topic, walk, instances))
    yield* Effect.raceFirst(settled, reader(server, topic, walk))
    const stops = instances.flatMap(({ said }) => [...said.stopped.values()])
    for (const instance of instances) yield* kill(server, instance)
    return { stored: yield* storedOffsets(server, topic, walk.partitions), stops }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        layerMemoryKafka({ fetchRecords: 20, pollIntervalMs: 5, heartbeatIntervalMs: 20 }),
        layerMemoryRegistry
      )
    )
  )
