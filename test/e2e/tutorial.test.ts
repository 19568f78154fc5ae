import kafkajs from "kafkajs"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, expect, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { consoleBlocks, withOutputs } from "../support/consolePage.js"
import { ensureBuilt, mainFile } from "./support/build.js"

// docs/delivery-lab.md shows what its commands print: `npm run docs:tutorial` writes the outputs, and this test holds
// them. The commands run in the order of the page, as they stand there, but for the names of topics, groups and
// transactional ids: `tour-` is replaced by a prefix of the same length that nobody else uses.

const file = "docs/delivery-lab.md"
const prefix = "tour-"

/** The experiments in virtual time know nothing of the broker, nor of what was done before. */
const inVirtualTime = (command: string) => /^tributary lab (?!.*--real)/.test(command)

/** Without the letters of hexadecimal numbers, so that it is found only in names. */
const ownPrefix = (): string => {
  const letters = "ghijklmnopqrstuvwxyz"
  return `${
    Array.from({ length: prefix.length - 1 }, () => letters[Math.floor(Math.random() * letters.length)]).join("")
  }-`
}

/** Whatever begins with the prefix goes when the test is over. */
const removeAfterTest = (brokers: string, own: string) =>
  onTestFinished(async () => {
    const admin = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(own))
    if (topics.length > 0) await admin.deleteTopics({ topics })
    await admin.disconnect()
  })

/** A folder to work in, and `tributary` on the path, as an installed package has it. */
const makeShell = (brokers: string) => {
  const folder = mkdtempSync(join(tmpdir(), "tributary-tutorial-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of ["bin", "work"]) mkdirSync(join(folder, name))
  writeFileSync(join(folder, "bin/tributary"), `#!/bin/sh\nexec "${process.execPath}" "${mainFile}" "$@"\n`, {
    mode: 0o755
  })
  const env = {
    PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    HOME: folder,
    TRIBUTARY_KAFKA_BOOTSTRAP_SERVERS: brokers
  }
  return (command: string) =>
    new Promise<string>((resolve, reject) => {
      const script = `set -o pipefail; exec 2>&1; ${command}`
      const child = spawn("bash", ["-c", script], {
        cwd: join(folder, "work"),
        env,
        stdio: ["ignore", "pipe", "ignore"]
      })
      let output = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
      child.on("error", reject)
      child.on("close", (code) => code === 0 ? resolve(output) : reject(new Error(`${command}: ${code}\n${output}`)))
    })
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka"], file, ({ kafka: brokers }) => {
  it("shows what its commands print (npm run docs:tutorial writes it)", async () => {
    const page = readFileSync(file, "utf8")
    const own = ownPrefix()
    removeAfterTest(brokers, own)
    const shell = makeShell(brokers)
    const run = async (command: string) => (await shell(command.replaceAll(prefix, own))).replaceAll(own, prefix)

    const blocks = consoleBlocks(page)
    const outputs = new Map<number, string>()
    const runInOrder = async (chosen: (command: string) => boolean) => {
      for (const [index, { command }] of blocks.entries()) {
        if (chosen(command)) outputs.set(index, await run(command))
      }
    }
    await Promise.all([runInOrder(inVirtualTime), runInOrder((command) => !inVirtualTime(command))])

    await expect(withOutputs(page, blocks.map((_, index) => outputs.get(index) ?? ""))).toMatchFileSnapshot(
      `../../${file}`
    )
  }, 900_000)
})
