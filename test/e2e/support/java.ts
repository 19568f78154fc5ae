import { spawn } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { cacheRoot } from "../../../scripts/servers/index.mjs"
import type { Codec } from "./codecs.js"
import { entry } from "./records.js"

/** Kafka's own jars, where the servers of the tests run from them. */
export const kafkaJars = (): string | undefined => {
  if (!existsSync(cacheRoot())) return undefined
  const [newest] = readdirSync(cacheRoot())
    .filter((name) => name.startsWith("kafka-") && existsSync(join(cacheRoot(), name, "complete.json")))
    .toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))
  return newest === undefined ? undefined : join(cacheRoot(), newest, "libs")
}

export interface JavaSend {
  readonly jars: string
  readonly brokers: string
  readonly topic: string
  readonly codec: Codec
  readonly schemaId: number
  readonly ids: ReadonlyArray<string>
  readonly textOf: (id: string) => string
}

/** Sends records by Kafka's own Java producer, keyed by their id. */
export const sendByJava = async ({ brokers, codec, ids, jars, schemaId, textOf, topic }: JavaSend): Promise<void> => {
  const producer = "org.apache.kafka.tools.ConsoleProducer"
  const args = ["--bootstrap-server", brokers, "--topic", topic, "--compression-codec", codec]
  const reader = ["--property", "parse.key=true", "--property", "key.separator=|"]
  const java = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", join(jars, "*"), producer]
  const child = spawn("java", [...java, ...args, ...reader], { stdio: ["pipe", "ignore", "pipe"] })
  let errors = ""
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  child.stdin.on("error", () => {}) // the exit code tells
  const code = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  child.stdin.end(ids.map((id) => `${id}|${entry(schemaId, id, textOf(id)).toString("latin1")}\n`).join(""), "latin1")
  if (await code !== 0 || /\bERROR\b/.test(errors)) throw new Error(`the Java producer has failed:\n${errors}`)
}
