export type { KafkaCluster, KafkaOptions, MysqlOptions, Server } from "../../scripts/servers/index.mjs"
export { startKafka, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
export { describeWith } from "./require.js"
