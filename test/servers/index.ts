export type { KafkaCluster, KafkaOptions, MysqlOptions, Server } from "../../scripts/servers/index.mjs"
export { startKafka, startMariadb, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
export { describeOnEach, describeWith, type SqlServer } from "./require.js"
