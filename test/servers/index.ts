import { type KafkaCluster, type KafkaOptions, startKafka as start } from "../../scripts/servers/index.mjs"

export type { KafkaCluster, KafkaOptions, MysqlOptions, Server } from "../../scripts/servers/index.mjs"
export { startMariadb, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
export { neverKilled } from "./brokers.js"
export { describeOnEach, describeWith, type SqlServer } from "./require.js"

/** A broker of a test's own. It lives for seconds: what Java's second compiler costs then, it never gives back. */
export const startKafka = (options: KafkaOptions = {}): Promise<KafkaCluster> =>
  start({ java: ["-XX:TieredStopAtLevel=1"], ...options })
