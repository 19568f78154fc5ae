import properties from "dot-properties"
import { existsSync, readFileSync } from "node:fs"

/**
 * The addresses that Tributary would use: consumer.properties, or the file of TRIBUTARY_CONFIG, and the environment,
 * which is stronger. Only what the scripts of this folder need; the program itself reads all keys, and checks them.
 */
const file = process.env.TRIBUTARY_CONFIG ?? "consumer.properties"
const written = existsSync(file) ? properties.parse(readFileSync(file, "utf8")) : {}

/** @param {string} key @returns {string} */
const value = (key) => {
  const found = process.env[`TRIBUTARY_${key.toUpperCase().replaceAll(".", "_")}`] ?? written[key]
  if (typeof found === "string") return found
  process.stderr.write(`there is no ${key}, neither in ${file} nor in the environment\n`)
  process.exit(78)
}

export const brokers = () => value("kafka.bootstrap.servers").split(",").map((broker) => broker.trim())
export const topics = () => value("kafka.topics").split(",").map((topic) => topic.trim())

/** For mysql2. */
export const database = () => {
  const url = new URL(value("mysql.url").replace(/^jdbc:/, ""))
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    database: url.pathname.slice(1),
    user: url.username === "" ? value("mysql.username") : decodeURIComponent(url.username),
    password: url.password === "" ? value("mysql.password") : decodeURIComponent(url.password)
  }
}
