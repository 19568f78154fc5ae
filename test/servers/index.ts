export type { KafkaCluster, KafkaOptions, MysqlOptions, Server } from "../../scripts/servers/index.mjs"
export { startKafka, startMariadb, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
export { describeWith } from "./require.js"
