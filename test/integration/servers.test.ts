import { Kafka, logLevel } from "kafkajs"
import { createConnection } from "mysql2/promise"
import { afterAll, assert, beforeAll, it } from "vitest"
import { createTopics } from "../e2e/support/World.js"
import { describeWith, type KafkaCluster, type Server, startKafka, startMysql } from "../servers/index.js"

const topicsOf = async (address: string, create?: string): Promise<ReadonlyArray<string>> => {
  const kafka = new Kafka({ brokers: address.split(","), clientId: "servers-test", logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    if (create !== undefined) await createTopics(admin, [create], 3)
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

const query = async (uri: string, sql: string): Promise<unknown> => {
  const connection = await createConnection({ uri })
  try {
    const [rows] = await connection.query(sql)
    return rows
  } finally {
    await connection.end()
  }
}

describeWith(["kafka", "registry", "mysql"], "the servers of the run", (servers) => {
  it("Kafka creates a topic and lists it", async () => {
    const topic = `servers-test-${process.pid}`
    assert.include(await topicsOf(servers.kafka, topic), topic)
  })

  it("the registry lists its subjects", async () => {
    const response = await fetch(`${servers.registry}/subjects`)
    assert.strictEqual(response.status, 200)
    assert.isArray(await response.json())
  })

  it("MySQL flushes each commit to the disk, and has database bank for user consumer", async () => {
    assert.deepStrictEqual(
      await query(servers.mysql, "SELECT @@sync_binlog AS b, @@innodb_flush_log_at_trx_commit AS f, @@log_bin AS l"),
      [{ b: 1, f: 1, l: 1 }]
    )
    const { host } = new URL(servers.mysql)
    const uri = `mysql://consumer:${encodeURIComponent("consumer1!")}@${host}/bank`
    assert.deepStrictEqual(await query(uri, "SELECT DATABASE() AS d"), [{ d: "bank" }])
  })
})

describeWith(["mariadb"], "the MariaDB of the run", (servers) => {
  it("is one that Tributary supports, keeps a binary log, and has database bank for user consumer", async () => {
    assert.deepStrictEqual(
      await query(
        servers.mariadb,
        "SELECT VERSION() REGEXP '^1[0-9][.].*MariaDB' AS v, @@innodb_flush_log_at_trx_commit AS f, @@log_bin AS l"
      ),
      [{ v: 1, f: 1, l: 1 }]
    )
    const { host } = new URL(servers.mariadb)
    const uri = `mysql://consumer:${encodeURIComponent("consumer1!")}@${host}/bank`
    assert.deepStrictEqual(await query(uri, "SELECT DATABASE() AS d"), [{ d: "bank" }])
  })
})

describeWith(["own:kafka"], "a broker that a test owns", () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = await startKafka()
  })
  afterAll(() => kafka.stop())

  it("keeps port and topics when it is killed and started again", async () => {
    const { address, pid } = kafka
    await topicsOf(address, "kept")
    await kafka.restart("SIGKILL")
    assert.notStrictEqual(kafka.pid, pid)
    assert.include(await topicsOf(address), "kept")
  })
})

describeWith(["own:mysql"], "a MySQL that a test owns", () => {
  let mysql: Server
  beforeAll(async () => {
    mysql = await startMysql()
  })
  afterAll(() => mysql.stop())

  it("keeps port and committed rows when it is killed and started again", async () => {
    await query(mysql.address, "CREATE DATABASE shop")
    await query(mysql.address, "CREATE TABLE shop.kept (id INT PRIMARY KEY)")
    await query(mysql.address, "INSERT INTO shop.kept VALUES (7)")
    await mysql.restart("SIGKILL")
    assert.deepStrictEqual(await query(mysql.address, "SELECT id FROM shop.kept"), [{ id: 7 }])
  })

  it("refuses connections while it is down, and answers after its start", async () => {
    await mysql.kill()
    assert.strictEqual(mysql.pid, 0)
    assert.isFalse(await mysql.isAlive())
    await mysql.start()
    assert.deepStrictEqual(await query(mysql.address, "SELECT 1 AS one"), [{ one: 1 }])
  })
})
