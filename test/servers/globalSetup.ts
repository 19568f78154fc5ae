import type { TestProject } from "vitest/node"
import * as Servers from "../../scripts/servers/index.mjs"
import { neverKilled } from "./brokers.js"
import { type Available, type ServerName, serverNames } from "./context.js"

const starters: Record<ServerName, () => Promise<Servers.Server>> = {
  kafka: () => Servers.startKafka({ props: { "group.initial.rebalance.delay.ms": 0, ...neverKilled } }),
  registry: () => Servers.startRegistry(),
  mysql: () => Servers.startMysql(),
  mariadb: () => Servers.startMariadb()
}
const means: Record<ServerName, () => Promise<Servers.Means>> = {
  kafka: Servers.kafkaMeans,
  registry: Servers.registryMeans,
  mysql: Servers.mysqlMeans,
  mariadb: Servers.mariadbMeans
}

/** The servers that this run has started, and must stop. */
const started: Array<Servers.Server> = []

const obtain = async (name: ServerName): Promise<Available> => {
  const address = process.env[`TRIBUTARY_TEST_${name.toUpperCase()}`]
  if (address !== undefined && address !== "") return { address }
  const { missing } = await means[name]()
  if (missing !== undefined) return { missing }
  try {
    const server = await starters[name]()
    started.push(server)
    return { address: server.address }
  } catch (error) {
    // Most often a download that fails. The tests are left out, or fail if the server is required; both tell why.
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n")
    return { missing: `it could not be started: ${first}` }
  }
}

const startable = async (name: ServerName) => {
  const { missing } = await means[name]()
  return missing === undefined ? {} : { missing }
}

/** Provides the servers named by TRIBUTARY_TEST_KAFKA, _REGISTRY, _MYSQL and _MARIADB, and starts those that are not named. */
export default async (project: TestProject) => {
  const [kafka, registry, mysql, mariadb] = await Promise.all(
    [obtain("kafka"), obtain("registry"), obtain("mysql"), obtain("mariadb")]
  )
  const [ownKafka, ownRegistry, ownMysql, ownMariadb] = await Promise.all(
    [startable("kafka"), startable("registry"), startable("mysql"), startable("mariadb")]
  )
  project.provide("kafka", kafka)
  project.provide("registry", registry)
  project.provide("mysql", mysql)
  project.provide("mariadb", mariadb)
  project.provide("startable", { kafka: ownKafka, registry: ownRegistry, mysql: ownMysql, mariadb: ownMariadb })
  const required = (process.env["TRIBUTARY_TEST_REQUIRE"] ?? "").split(",").map((name) => name.trim()).filter(Boolean)
  const unknown = required.filter((name) => !serverNames.some((known) => known === name))
  if (unknown.length > 0) {
    throw new Error(`TRIBUTARY_TEST_REQUIRE names ${unknown.join()}; known: ${serverNames.join()}`)
  }
  project.provide("required", required)
  return async () => {
    await Promise.all(started.map((server) => server.stop()))
  }
}
