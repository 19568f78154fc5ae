import kafkajs from "kafkajs"
import { type Connection, createConnection } from "mysql2/promise"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { atEnd } from "./atEnd.js"
import { shippedProperties } from "./build.js"
import { type Program, startProgram } from "./Program.js"
import { until } from "./until.js"

export interface Addresses {
  readonly kafka: string
  readonly registry: string
  readonly mysql: string
}

export interface WorldOptions {
  /** How many topics, or their names; a suffix makes them this world's own. */
  readonly topics: ReadonlyArray<string>
  readonly partitions?: number
}

/** Topics, a database and a folder that belong to one test and end with it. */
export interface World {
  readonly addresses: Addresses
  readonly folder: string
  readonly topics: ReadonlyArray<string>
  readonly partitions: number
  readonly database: string
  /** An administrator's connection, in the database. */
  readonly sql: Connection
  readonly kafka: kafkajs.Kafka
  readonly admin: kafkajs.Admin
  /** Writes a property file: that of the project with this world's addresses, and `settings` instead of its own. */
  readonly properties: (settings?: Readonly<Record<string, string>>, name?: string) => string
  /** Starts `run` on `properties(settings)`. */
  readonly run: (settings?: Readonly<Record<string, string>>, nodeOptions?: ReadonlyArray<string>) => Program
}

/** The account of the project's property file. */
export const account = { user: "consumer", password: "consumer1!" } as const

export const suffix = () => randomBytes(4).toString("hex")

const quiet = (brokers: string, clientId = "test") =>
  new kafkajs.Kafka({
    brokers: brokers.split(","),
    clientId,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 5000 }
  })

/** Makes a world; it is taken away when the test is over, whatever comes of it. */
export const makeWorld = async (addresses: Addresses, options: WorldOptions): Promise<World> => {
  const own = suffix()
  const topics = options.topics.map((name) => `${name}_${own}`)
  const partitions = options.partitions ?? 3
  const database = `trb_${own}`
  const folder = mkdtempSync(join(tmpdir(), "tributary e2e "))
  const kafka = quiet(addresses.kafka)
  const admin = kafka.admin()
  await admin.connect()
  if (topics.length > 0) await createTopics(admin, topics, partitions)
  const sql = await openDatabase(addresses.mysql, database)
  const { host } = new URL(addresses.mysql)
  const properties = (settings: Readonly<Record<string, string>> = {}, name = "consumer.properties") => {
    const file = join(folder, name)
    // By rename: a process that was started a moment ago may be reading it.
    writeFileSync(
      `${file}.new`,
      adapted({
        "kafka.bootstrap.servers": addresses.kafka,
        "kafka.topics": topics.join(),
        "kafka.schema.registry.url": addresses.registry,
        "mysql.url": `jdbc:mysql://${host}/${database}`,
        ...settings
      })
    )
    renameSync(`${file}.new`, file)
    return file
  }
  atEnd(async () => {
    await admin.deleteTopics({ topics, timeout: 5000 }).catch(() => {}) // on a shared broker; one of its own may be gone
    await admin.disconnect().catch(() => {})
    await dropDatabase(sql, database).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  })
  return {
    addresses,
    folder,
    topics,
    partitions,
    database,
    sql,
    kafka,
    admin,
    properties,
    run: (settings, nodeOptions = []) =>
      startProgram({ args: ["run", "--config", properties(settings)], folder, nodeOptions })
  }
}

/** A broker may not have heard of a topic yet that another has just made: not a failure here, as it is for kafkajs. */
const haveLeaders = async (admin: kafkajs.Admin, topics: ReadonlyArray<string>): Promise<true | undefined> => {
  try {
    const found = await admin.fetchTopicMetadata({ topics: [...topics] })
    return found.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0)) || undefined
  } catch (error) {
    if (error instanceof kafkajs.KafkaJSError && error.retriable) return undefined
    throw error
  }
}

/** How long a broker that is slow may take to make or delete a topic; kafkajs gives it 5 s, and does not ask again. */
export const brokerTimeoutMs = 25_000

export const createTopics = async (
  admin: kafkajs.Admin,
  topics: ReadonlyArray<string>,
  numPartitions: number,
  configEntries: ReadonlyArray<kafkajs.IResourceConfigEntry> = []
): Promise<void> => {
  const made = topics.map((topic) => ({ topic, numPartitions, configEntries: [...configEntries] }))
  await admin.createTopics({ waitForLeaders: false, timeout: brokerTimeoutMs, topics: made })
  await until("the topics have leaders", () => haveLeaders(admin, topics))
}

const openDatabase = async (uri: string, database: string): Promise<Connection> => {
  const sql = await createConnection({ uri, multipleStatements: true, supportBigNumbers: true, bigNumberStrings: true })
  // A server that is killed by its own test closes the connection; what is asked next says so.
  sql.on("error", () => {})
  await sql.query(
    `CREATE USER IF NOT EXISTS '${account.user}'@'%' IDENTIFIED BY '${account.password}';
     CREATE DATABASE ${database}; GRANT ALL ON ${database}.* TO '${account.user}'@'%'; USE ${database}`
  )
  return sql
}

const dropDatabase = async (sql: Connection, database: string): Promise<void> => {
  await sql.query(`DROP DATABASE IF EXISTS ${database}; REVOKE ALL ON ${database}.* FROM '${account.user}'@'%'`)
  await sql.end()
}

/** The shipped property file with these keys set: in their place where they stand there, else at the end. */
const adapted = (settings: Readonly<Record<string, string>>): string => {
  const left = new Map(Object.entries(settings))
  const lines = readFileSync(shippedProperties, "utf8").trimEnd().split("\n").map((line) => {
    const [key = ""] = line.split("=")
    const value = left.get(key)
    left.delete(key)
    return value === undefined ? line : `${key}=${value}`
  })
  return [...lines, ...Array.from(left, ([key, value]) => `${key}=${value}`), ""].join("\n")
}

const connect = ({ addresses, database }: Pick<World, "addresses" | "database">): Promise<Connection> => {
  const { hostname, password, port, username } = new URL(addresses.mysql)
  return createConnection({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true
  })
}

/** An administrator's connection of its own, for whoever holds locks; it ends with the test. */
export const openSession = async (world: World): Promise<Connection> => {
  const session = await connect(world)
  atEnd(() => session.end().catch(() => {}))
  return session
}

export interface Hold {
  readonly release: () => Promise<void>
}

/** Locks the rows that `select` finds, as a database does that has become very slow, until `release`. */
export const holdRows = async (world: World, select: string): Promise<Hold> => {
  const session = await openSession(world)
  await session.query("START TRANSACTION")
  await session.query(`${select} FOR UPDATE`)
  return { release: async () => void await session.query("ROLLBACK") }
}

/** Holds the row of a partition's stored offset: what the partition has yet to write stays unwritten until `release`. */
export const holdOffsetRow = (world: World, topic: string, partition: number): Promise<Hold> =>
  holdRows(
    world,
    `SELECT 1 FROM kafka_offsets
     WHERE topic = '${topic}' AND \`partition\` = ${partition} AND consumer_group = 'group-${topic}'`
  )

/** A new connection for a test whose own was cut by the death of the server; waits until the server takes it. */
export const reconnected = (world: World): Promise<Connection> =>
  until("MySQL takes connections", () => openSession(world).catch(() => undefined))
