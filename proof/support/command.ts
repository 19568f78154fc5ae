import { startKafka, startMysql, startRegistry } from "../../scripts/servers/index.mjs"
import { atEnd } from "../../test/e2e/support/atEnd.js"

/** Kafka with default settings, a registry and MySQL, of this run alone, until it is over. */
export const startServers = async () => {
  const [kafka, registry, mysql] = await Promise.all([startKafka(), startRegistry(), startMysql()])
  atEnd(() => Promise.all([kafka.stop(), registry.stop(), mysql.stop()]))
  return { addresses: { kafka: kafka.address, registry: registry.address, mysql: mysql.address }, mysql }
}

/** The process ends with what `run` answers, or with 64 and how it is used, where the options are wrong. */
export const exitWith = async <A>(
  options: A | undefined,
  usage: string,
  run: (options: A) => Promise<number>
): Promise<void> => {
  if (options === undefined) process.stderr.write(`${usage}\n`)
  process.exitCode = options === undefined ? 64 : await run(options)
}
