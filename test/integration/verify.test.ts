import { Effect, Exit, Logger, Redacted, Stream } from "effect"
import { CompressionTypes, Kafka, logLevel } from "kafkajs"
import { createConnection } from "mysql2/promise"
import { randomBytes } from "node:crypto"
import { afterAll, assert, beforeAll, it } from "vitest"
import type { Config } from "../../src/domain/Config.js"
import { parseConfig } from "../../src/domain/config/parse.js"
import { Admin } from "../../src/layers/Admin.js"
import { layer as adminLayer } from "../../src/layers/kafka/KafkaAdmin.js"
import { layer as logReaderLayer } from "../../src/layers/kafka/KafkaLogReader.js"
import { LogReader } from "../../src/layers/LogReader.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { handlers } from "../../src/programs/handlers.js"
import { until } from "../e2e/support/until.js"
import { createTopics } from "../e2e/support/World.js"
import { captured } from "../programs/captured.js"
import { planOf } from "../programs/produce/support.js"
import { describeWith } from "../servers/index.js"
import { patiently } from "../support/patiently.js"

/** What the commands log is not what is tested here. */
const quiet = Logger.remove(Logger.defaultLogger)

const unique = () => randomBytes(4).toString("hex")

describeWith(["kafka"], "the log read back from a broker", (servers) => {
  const topic = `log-reader-${unique()}`
  const kafka = new Kafka({ brokers: servers.kafka.split(","), clientId: topic, logLevel: logLevel.NOTHING })

  beforeAll(async () => {
    const admin = kafka.admin()
    await admin.connect()
    await createTopics(admin, [topic], 1)
    await admin.disconnect()
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: "0" }, { value: null }, { value: "2" }] })
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ value: "3" }, { value: "4" }] })
    await producer.disconnect()
    const transactional = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    for (const outcome of ["abort", "commit"] as const) {
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [{ value: outcome }, { value: outcome }] })
      await transaction[outcome]()
    }
    await transactional.disconnect()
    // The coordinator answers first and writes the last marker then.
    await until("the marker of the commit", async () => {
      const [range] = await Effect.runPromise(
        Effect.flatMap(Admin, ({ logRanges }) => logRanges(topic)).pipe(
          Effect.provide(adminLayer({ brokers: servers.kafka.split(","), clientId: topic }))
        )
      )
      return range?.lastStable === 11n || undefined
    })
  })

  const signs = { record: "", tombstone: "†", hidden: "-" }
  const read = (from: bigint, to: bigint) =>
    Effect.runPromise(
      Effect.flatMap(LogReader, ({ entries }) => Stream.runCollect(entries({ topic, partition: 0, from, to }))).pipe(
        Effect.map((pages) => [...pages].flat().map(({ kind, offset }) => `${offset}${signs[kind]}`)),
        Effect.provide(logReaderLayer({
          brokers: servers.kafka.split(","),
          clientId: topic,
          fetchMaxBytesPerPartition: 1024 * 1024
        }))
      )
    )

  it("tells records from tombstones and from what nobody may see: aborted ones and markers", async () => {
    // 5 and 6 are aborted, 7 is their marker, 10 is the commit's.
    assert.deepStrictEqual(await read(0n, 11n), ["0", "1†", "2", "3", "4", "5-", "6-", "7-", "8", "9", "10-"])
  })

  it("starts and ends inside a batch", async () => {
    assert.deepStrictEqual(await read(1n, 4n), ["1†", "2", "3"])
    assert.deepStrictEqual(await read(6n, 9n), ["6-", "7-", "8"])
  })

  it("ends at the end of the log, whatever was asked for", async () => {
    assert.deepStrictEqual(await read(9n, 1_000n), ["9", "10-"])
  })

  it("goes on at the low watermark where retention has passed by", async () => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.fetchTopicOffsets(topic) // without the topic's metadata kafkajs finds no leader
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "4" }] })
    await admin.disconnect()
    assert.deepStrictEqual(await read(1n, 9n), ["4", "5-", "6-", "7-", "8"])
  })
})

describeWith(["kafka", "registry", "mysql"], "verify on real servers", (servers) => {
  const id = unique()
  const database = `verify_${id}`
  const topics = [`verify-a-${id}`, `verify-b-${id}`]
  const connect = () => createConnection({ uri: servers.mysql, multipleStatements: true })
  const query = async (sql: string) => {
    const connection = await connect()
    try {
      await connection.query(sql)
    } finally {
      await connection.end()
    }
  }

  beforeAll(() => query(`CREATE DATABASE ${database}`))
  afterAll(() => query(`DROP DATABASE ${database}`))

  const config: Effect.Effect<Config> = Effect.suspend(() => {
    const { host, password, username } = new URL(servers.mysql)
    const values = {
      "kafka.bootstrap.servers": servers.kafka,
      "kafka.topics": topics.join(","),
      "kafka.schema.registry.url": servers.registry,
      "mysql.url": `mysql://${host}/${database}`,
      "mysql.username": decodeURIComponent(username),
      "mysql.password": decodeURIComponent(password),
      "state.dir": ""
    }
    const overrides = Object.entries(values).map(([name, value]) => ({ name, value, source: "test" }))
    return Effect.orDie(parseConfig({ files: [], environment: {}, secrets: new Map(), overrides }))
  })

  const produced = Effect.gen(function*() {
    const plan = yield* planOf({ count: 2000, seed: 1 }, "compression.type=gzip")
    return yield* handlers.produce(yield* config, plan, { output: "json" })
  })

  const verified = Effect.gen(function*() {
    const { console, out } = captured()
    const exit = yield* patiently(handlers.verify(yield* config, { topics: undefined, output: "json" })).pipe(
      Effect.withConsole(console),
      Effect.exit
    )
    return { exit, report: JSON.parse(out.join("\n")) }
  })

  it("is behind before the first run, exact after it, and finds one deleted row", async () => {
    await Effect.runPromise(Effect.withConsole(produced, captured().console).pipe(Effect.provide(quiet)))
    const before = await Effect.runPromise(verified)
    assert.deepStrictEqual(before.exit, Exit.succeed(ExitCode.done))
    assert.strictEqual(before.report.result, "behind")

    await Effect.runPromise(
      Effect.flatMap(config, (running) => handlers.run(running, { untilEnd: true })).pipe(Effect.provide(quiet))
    )
    const after = await Effect.runPromise(verified)
    assert.deepStrictEqual(after.exit, Exit.succeed(ExitCode.done))
    assert.strictEqual(after.report.result, "exact")
    const rows = after.report.partitions.reduce((sum: number, one: { readonly rows: number }) => sum + one.rows, 0)
    assert.strictEqual(rows, 4000)

    await query(`DELETE FROM ${database}.\`${topics[0]}\` WHERE _partition = 1 AND _offset = 7`)
    const damaged = await Effect.runPromise(verified)
    assert.deepStrictEqual(damaged.exit, Exit.succeed(ExitCode.different))
    const [, partition] = damaged.report.partitions
    assert.strictEqual(partition.missing, 1)
    assert.deepStrictEqual(partition.notes, ["records without a row at offsets 7"])

    await query(`DELETE FROM ${database}.kafka_offsets WHERE topic = '${topics[1]}' AND \`partition\` = 2`)
    const forgotten = (await Effect.runPromise(verified)).report.partitions.at(-1)
    assert.deepInclude(forgotten, { topic: topics[1], partition: 2, stored: null, result: "DIFFERENT" })
    assert.match(forgotten.notes[0], /^\d+ rows, and no stored offset/)
  })

  it("names the account that the server refuses", async () => {
    const wrong = Effect.map(config, (right): Config => ({
      ...right,
      mysql: right.mysql.kind === "mysql" ? { ...right.mysql, password: Redacted.make("wrong-SENTINEL") } : right.mysql
    }))
    const error = await Effect.runPromise(
      Effect.flatMap(wrong, (refused) => handlers.verify(refused, { topics: undefined, output: "json" })).pipe(
        Effect.flip
      )
    )
    assert.strictEqual(error.exit, ExitCode.refused)
    assert.notInclude(JSON.stringify(error), "SENTINEL")
  })
})
