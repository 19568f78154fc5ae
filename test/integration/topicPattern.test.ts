import { Effect, Either, Fiber, Logger } from "effect"
import { Kafka, logLevel } from "kafkajs"
import { createConnection, type RowDataPacket } from "mysql2/promise"
import { randomBytes } from "node:crypto"
import { afterAll, assert, beforeAll, it } from "vitest"
import { parseConfig } from "../../src/domain/config/parse.js"
import { writeFrame } from "../../src/domain/WireFormat.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { layer as registryLayer } from "../../src/layers/registry/HttpRegistry.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { handlers } from "../../src/programs/handlers.js"
import { until } from "../e2e/support/until.js"
import { createTopics } from "../e2e/support/World.js"
import { captured } from "../programs/captured.js"
import { describeWith } from "../servers/index.js"
import { patiently } from "../support/patiently.js"

const quiet = Logger.remove(Logger.defaultLogger)

describeWith(["kafka", "registry", "mysql"], "topics by a pattern, a table for each record type", (servers) => {
  const id = randomBytes(4).toString("hex")
  const database = `pattern_${id}`
  const kafka = new Kafka({ brokers: servers.kafka.split(","), clientId: id, logLevel: logLevel.NOTHING })
  const query = async (sql: string) => {
    const connection = await createConnection({ uri: servers.mysql })
    try {
      return (await connection.query<Array<RowDataPacket>>(sql))[0]
    } finally {
      await connection.end()
    }
  }
  beforeAll(() => query(`CREATE DATABASE ${database}`))
  afterAll(() => query(`DROP DATABASE ${database}`))

  const configured = () => {
    const { host, password, username } = new URL(servers.mysql)
    const values = {
      "kafka.bootstrap.servers": servers.kafka,
      "kafka.topics.regex": `p-${id}-.*`,
      "kafka.topics.exclude": ".*-not",
      "metadata.max.age.ms": "500",
      "table.name.format": "${topic}_${record}",
      "kafka.schema.registry.url": servers.registry,
      "mysql.url": `mysql://${host}/${database}`,
      "mysql.username": decodeURIComponent(username),
      "mysql.password": decodeURIComponent(password),
      "state.dir": ""
    }
    const overrides = Object.entries(values).map(([name, value]) => ({ name, value, source: "test" }))
    return Either.getOrThrow(parseConfig({ files: [], environment: {}, secrets: new Map(), overrides }))
  }

  const message = async (name: string, field: number) => {
    const schema = JSON.stringify({ type: "record", name, namespace: "shop", fields: [{ name: "id", type: "long" }] })
    const register = Effect.flatMap(SchemaRegistry, (registry) => registry.register(`shop.${name}-${id}`, schema))
    const schemaId = await Effect.runPromise(
      Effect.provide(register, registryLayer({ urls: [servers.registry], ...configured().registryAccess }))
    )
    return Buffer.from(writeFrame(schemaId, Either.getOrThrow(compile(schema)).encode({ id: BigInt(field) })))
  }

  /** Ten records of two types and one that nobody can read. */
  const fill = async (topic: string) => {
    const admin = kafka.admin()
    await admin.connect()
    await createTopics(admin, [topic], 1)
    await admin.disconnect()
    const values = await Promise.all(
      Array.from({ length: 10 }, (_, field) => message(field % 2 === 0 ? "Created" : "Paid", field))
    )
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic, messages: [...values, Buffer.from("{}")].map((value) => ({ value, partition: 0 })) })
    await producer.disconnect()
  }

  const rows = async () => {
    const tables = await query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME LIKE 'p-%'`
    )
    const counts: Record<string, number> = {}
    for (const { name } of tables) {
      counts[name] = Number((await query(`SELECT COUNT(*) AS n FROM ${database}.\`${name}\``))[0]?.["n"])
    }
    return counts
  }

  const reached = (expected: Record<string, number>) => async () => {
    const found = await rows()
    return Object.entries(expected).every(([table, count]) => found[table] === count) ? found : undefined
  }

  it("a topic that comes while it runs is read from its beginning; verify proves all tables and the dead letters", async () => {
    const config = configured()
    await Promise.all([fill(`p-${id}-a`), fill(`p-${id}-not`)])
    const running = Effect.runFork(handlers.run(config, { untilEnd: false }).pipe(Effect.provide(quiet)))
    const wanted = { [`p-${id}-a_Created`]: 5, [`p-${id}-a_Paid`]: 5 }
    assert.deepStrictEqual(await until("rows of the first topic", reached(wanted)), wanted)
    await fill(`p-${id}-b`)
    const all = { ...wanted, [`p-${id}-b_Created`]: 5, [`p-${id}-b_Paid`]: 5 }
    assert.deepStrictEqual(await until("rows of the second topic", reached(all)), all)
    const verified = () => {
      const { console, out } = captured()
      return Effect.runPromise(
        patiently(handlers.verify(config, { topics: undefined, output: "json" })).pipe(
          Effect.withConsole(console),
          Effect.map((exit) => ({ exit, report: JSON.parse(out.join("\n")) }))
        )
      )
    }
    const { report } = await until("verify is exact", async () => {
      const answer = await verified()
      return answer.report.result === "exact" ? answer : undefined
    })
    assert.deepStrictEqual(
      report.partitions.map((
        one: { readonly rows: number; readonly deadLetters: number }
      ) => [one.rows, one.deadLetters]),
      [[10, 1], [10, 1]]
    )
    await Effect.runPromise(Fiber.interrupt(running))
    await query(`DELETE FROM ${database}.\`p-${id}-b_Paid\` LIMIT 1`)
    assert.strictEqual((await verified()).report.result, "DIFFERENT")
  })
})
