export { cacheRoot } from "./cache.mjs"
export { attachKafka, kafkaMeans, startKafka } from "./kafka.mjs"
export { attachMysql, mysqlMeans, startMysql } from "./mysql.mjs"
export { attachRegistry, registryMeans, startRegistry } from "./registry.mjs"
