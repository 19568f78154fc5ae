import kafkajs from "kafkajs"
import { createPool } from "mysql2/promise"
import { freePorts, type KafkaProps, startKafka, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
import { atEnd } from "../../test/e2e/support/atEnd.js"
import { makeWorld } from "../../test/e2e/support/World.js"
import { installAudit } from "../observe/audit.js"
import { builtCopy } from "../support/builtCopy.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"
import { brokers, type Site } from "./Site.js"
import { makeSlot, type Sightings } from "./Slot.js"

const host = "127.0.0.1"
const topicNames = ["orders", "payments"]
const firstPartitions = 5

const proxyTo = async (target: () => string): Promise<TcpProxy> => {
  const proxy = await startTcpProxy(() => {
    const { hostname, port } = new URL(target())
    return { host: hostname, port: Number(port) }
  })
  atEnd(proxy.close)
  return proxy
}

/** The ways of one slot to the brokers: a listener of its own at each, which advertises the slot's proxy to it. */
interface Ways {
  readonly name: string
  readonly ports: ReadonlyArray<number>
  readonly proxies: ReadonlyArray<TcpProxy>
}

const waysOf = async (name: string): Promise<Ways> => {
  const ports = await freePorts(brokers)
  return { name, ports, proxies: await Promise.all(ports.map((port) => proxyTo(() => `tcp://${host}:${port}`))) }
}

const brokerProps = (ways: ReadonlyArray<Ways>) => (node: number, own: KafkaProps): KafkaProps => {
  const added = (name: string, of: (way: Ways) => string) => [own[name], ...ways.map(of)].join()
  return {
    listeners: added("listeners", (way) => `${way.name}://${host}:${way.ports[node]}`),
    "advertised.listeners": added("advertised.listeners", (way) => `${way.name}://${host}:${way.proxies[node]?.port}`),
    "listener.security.protocol.map": added("listener.security.protocol.map", ({ name }) => `${name}:PLAINTEXT`),
    "inter.broker.listener.name": "PLAINTEXT",
    "min.insync.replicas": 2,
    "num.network.threads": 1,
    "num.io.threads": 2,
    // What a leader move needs: the first replica of the list becomes the leader at once.
    "leader.imbalance.check.interval.seconds": 1,
    "leader.imbalance.per.broker.percentage": 0,
    "replica.lag.time.max.ms": 4000,
    // A transaction that its producer has left open ends soon after its time-out.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    "group.initial.rebalance.delay.ms": 1000
  }
}

export const startSite = async (instances: number, seen: Sightings): Promise<Site> => {
  const names = Array.from({ length: instances + 1 }, (_, index) => `instance${index}`)
  const ways = await Promise.all(names.map(waysOf))
  const [kafka, mysql, registry] = await Promise.all([
    startKafka({ nodes: 3, heap: "384m", java: ["-XX:TieredStopAtLevel=1"], props: brokerProps(ways) }),
    startMysql({ args: ["--binlog-expire-logs-seconds=600", "--max-binlog-size=64M"] }),
    startRegistry()
  ])
  for (const server of [kafka, mysql, registry]) atEnd(server.stop)
  const world = await makeWorld(
    { kafka: kafka.address, mysql: mysql.address, registry: registry.address },
    { topics: topicNames, partitions: firstPartitions }
  )
  // Tables without a unique index: the protocol alone keeps a zombie out.
  await installAudit({ sql: world.sql, topics: world.topics })
  const registryProxy = await proxyTo(() => registry.address)
  const sql = createPool({ uri: mysql.address, database: world.database, connectionLimit: 3, multipleStatements: true })
  atEnd(() => sql.end().catch(() => {})) // the server may have been killed
  const admin = new kafkajs.Kafka({
    brokers: kafka.address.split(","),
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 8000,
    retry: { retries: 3, maxRetryTime: 1000 }
  }).admin()
  await admin.connect()
  atEnd(() => admin.disconnect().catch(() => {}))
  const { pathname } = new URL(registry.address)
  const main = builtCopy(world.folder)
  const slots = await Promise.all(ways.map(async ({ name, proxies }) =>
    makeSlot({
      name,
      world,
      seen,
      main,
      brokers: proxies,
      mysql: await proxyTo(() => mysql.address),
      registry: `http://${host}:${registryProxy.port}${pathname}`
    })
  ))
  const partitions = new Map(world.topics.map((topic) => [topic, firstPartitions]))
  return { world, kafka, mysql, registry, registryProxy, admin, sql, slots, instances, partitions }
}
