import { randomBytes } from "node:crypto"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { containerName, dockerPort } from "./docker.mjs"
import { kafkaJars } from "./maven.mjs"
import { attach, launch } from "./process.mjs"
import { prepare, serverDir, withPorts } from "./start.mjs"
import { javaMissing, means } from "./tools.mjs"

/** @typedef {Readonly<Record<string, string | number | boolean>>} Props */
/**
 * @typedef {object} KafkaOptions
 * @property {string} [version] up to 2.x the broker runs with its ZooKeeper, from 3.x on as KRaft
 * @property {1 | 3} [nodes]
 * @property {Props | ((node: number, own: Props) => Props)} [props] added to, and stronger than, the defaults here
 * @property {string} [heap]
 * @property {ReadonlyArray<string>} [java] more arguments of Java
 * @property {string} [dir] where its folders are made
 * @property {boolean} [detached] it outlives this process
 */

export const kafkaMeans = () => means(javaMissing)

/** @param {Readonly<Record<string, string | number | boolean>>} props */
const properties = (props) => Object.entries(props).map(([key, value]) => `${key}=${value}\n`).join("")

/** @param {KafkaOptions["props"]} props @param {number} node @param {Props} own */
const added = (props, node, own) => typeof props === "function" ? props(node, own) : props

/** Small and quick, for tests. `group.initial.rebalance.delay.ms` stays at the broker's default of 3 s. */
const defaults = (nodes) => ({
  "auto.create.topics.enable": false,
  // A broker killed by SIGKILL may register again when its old session is over: with the default of 9 s after 9 s.
  "broker.heartbeat.interval.ms": 500,
  "broker.session.timeout.ms": 3000,
  "offsets.topic.num.partitions": 5,
  "offsets.topic.replication.factor": nodes,
  "transaction.state.log.num.partitions": 5,
  "transaction.state.log.replication.factor": nodes,
  "transaction.state.log.min.isr": Math.min(nodes, 2),
  "default.replication.factor": nodes,
  // Tests write records of years ago: half a minute after its start, and every five minutes, a broker would delete them.
  // Not by `log.retention.ms`, which `topics show` would show as something that was changed.
  "log.initial.task.delay.ms": 24 * 3600 * 1000
})

const host = "127.0.0.1"

/** @param {number} node @param {ReadonlyArray<number>} ports a pair per node: clients, controllers */
const kraft = (node, ports) => ({
  "process.roles": "broker,controller",
  "node.id": node + 1,
  "controller.quorum.voters": ports.flatMap((port, i) => i % 2 === 1 ? [`${(i + 1) / 2}@${host}:${port}`] : []).join(),
  "listeners": `PLAINTEXT://${host}:${ports[node * 2]},CONTROLLER://${host}:${ports[node * 2 + 1]}`,
  "advertised.listeners": `PLAINTEXT://${host}:${ports[node * 2]}`,
  "controller.listener.names": "CONTROLLER",
  "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
})

/** @param {number} node @param {ReadonlyArray<number>} ports */
const withZookeeper = (node, ports) => ({
  "broker.id": node + 1,
  "zookeeper.connect": `${host}:${ports[1]}`,
  "zookeeper.session.timeout.ms": 2000,
  "listeners": `PLAINTEXT://${host}:${ports[node * 2]}`,
  "advertised.listeners": `PLAINTEXT://${host}:${ports[node * 2]}`
})

/** @param {string} libs @param {string} heap @param {ReadonlyArray<string>} rest */
const java = (libs, heap, ...rest) => ({ command: "java", args: [`-Xmx${heap}`, "-cp", join(libs, "*"), ...rest] })

/** @param {KafkaOptions} options @param {string} libs @param {number} port */
const zookeeperSpec = async (options, libs, port) => {
  const dir = await serverDir(options, "zookeeper")
  const file = join(dir, "zoo.cfg")
  await writeFile(
    file,
    properties({
      "dataDir": join(dir, "data"),
      "tickTime": 500,
      "clientPort": port,
      "clientPortAddress": host,
      "admin.enableServer": false,
      "4lw.commands.whitelist": "ruok"
    })
  )
  const command = java(libs, "128m", "org.apache.zookeeper.server.quorum.QuorumPeerMain", file)
  return { name: "zookeeper", dir, ...command, ready: { kind: "zookeeper", address: `${host}:${port}` } }
}

/** @param {ReadonlyArray<number>} ports @param {KafkaOptions} options */
const localSpecs = async (ports, options) => {
  const { heap, java: more = [], nodes, props, version } = options
  const libs = await kafkaJars(version)
  const zookeeper = Number(version.split(".")[0]) < 3
  const clusterId = randomBytes(16).toString("base64url").replace(/^-/, "A")
  const brokers = await Promise.all(Array.from({ length: nodes }, async (_, node) => {
    const dir = await serverDir(options, `kafka-${node}`)
    const file = join(dir, "server.properties")
    const own = zookeeper ? withZookeeper(node, ports) : kraft(node, ports)
    await mkdir(join(dir, "data"))
    const base = { ...own, ...defaults(nodes), "log.dirs": join(dir, "data") }
    await writeFile(file, properties({ ...base, ...added(props, node, base) }))
    if (!zookeeper) {
      const format = java(libs, "128m", "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", clusterId)
      await prepare(dir, format.command, [...format.args, "-c", file])
    }
    const ready = { kind: "kafka", address: `${host}:${ports[node * 2]}`, nodes }
    return { name: `kafka-${node}`, dir, ...java(libs, heap, ...more, "kafka.Kafka", file), ready }
  }))
  return zookeeper ? [await zookeeperSpec(options, libs, ports[1]), ...brokers] : brokers
}

/** @param {ReadonlyArray<number>} ports @param {KafkaOptions} options */
const dockerSpecs = async ([port], options) => {
  const container = containerName("kafka")
  const base = {
    ...kraft(0, [9092, 9093]),
    "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093",
    "advertised.listeners": `PLAINTEXT://${host}:${port}`,
    ...defaults(1)
  }
  const own = { ...base, ...added(options.props, 0, base) }
  const env = Object.entries(own)
    .flatMap(([key, value]) => ["-e", `KAFKA_${key.replaceAll(".", "_").toUpperCase()}=${value}`])
  const args = ["run", "-d", "--name", container, ...dockerPort(port, 9092), ...env, `apache/kafka:${options.version}`]
  const ready = { kind: "kafka", address: `${host}:${port}`, nodes: 1 }
  return [{ name: "kafka-0", dir: await serverDir(options, "kafka-0"), command: "docker", args, ready, container }]
}

/** Several brokers as one server. @param {ReadonlyArray<import("./process.mjs").Spec>} specs */
export const attachKafka = (specs) => {
  const servers = specs.map(attach)
  const nodes = servers.filter((server) => server.spec.ready.kind === "kafka")
  const chosen = (node) => node === undefined ? nodes : [nodes[node]]
  return {
    address: nodes.map((server) => server.spec.ready.address).join(),
    specs,
    get pid() {
      return nodes[0].pid
    },
    isAlive: async () => (await Promise.all(servers.map((server) => server.isAlive()))).every(Boolean),
    kill: async (signal = "SIGKILL", node) => {
      await Promise.all(chosen(node).map((server) => server.kill(signal)))
    },
    start: async (node) => {
      await Promise.all(chosen(node).map((server) => server.startAgain()))
    },
    restart: async (signal = "SIGTERM", node) => {
      await Promise.all(chosen(node).map((server) => server.kill(signal)))
      await Promise.all(chosen(node).map((server) => server.startAgain()))
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    }
  }
}

/** @param {KafkaOptions} [options] */
export const startKafka = async (options = {}) => {
  const full = { version: "4.1.0", nodes: 1, heap: "512m", ...options }
  const how = await kafkaMeans()
  if (how.missing !== undefined) throw new Error(how.missing)
  if (how.via === "docker" && full.nodes > 1) throw new Error("three brokers need Java and Maven")
  return withPorts(full.nodes * 2, async (ports) => {
    const specs = await (how.via === "docker" ? dockerSpecs(ports, full) : localSpecs(ports, full))
    const cluster = attachKafka(specs)
    try {
      for (const spec of specs) {
        const server = await launch(spec)
        if (spec.ready.kind === "zookeeper") await server.ready()
      }
      await Promise.all(specs.map((spec) => attach(spec).ready()))
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  })
}
