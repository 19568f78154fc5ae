import { mkdtempSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, beforeAll, describe, it, onTestFinished } from "vitest"
import { ensureBuilt } from "./support/build.js"
import { runProgram, startProgram } from "./support/Program.js"

const properties = [".tributary/tributary.properties"]
const folderOf = () => {
  const folder = mkdtempSync(join(tmpdir(), "tributary demo "))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

beforeAll(ensureBuilt, 240_000)

describe("the embedded mode, without any server", () => {
  it(
    "demo: two kills, every record a row once; then the folder can be consumed on, by one consumer at a time",
    async () => {
      const folder = folderOf()
      const demo = await runProgram({ args: ["demo", "--count", "6000"], folder })
      assert.strictEqual(demo.code, 0, demo.log)
      assert.lengthOf(demo.log.match(/^kill -9 \d+ at \d+ rows$/gm) ?? [], 2, demo.log)
      assert.include(demo.log, "Every record is a row once, after two kill -9 in mid-flight.")
      for (const topic of ["dataset1", "dataset2", "dataset3"]) assert.include(demo.log, topic)
      assert.include(demo.log, "node dist/main.js --config consumer.properties")
      assert.notMatch(demo.log, /^\s+at /m)

      const command = (name: string, ...more: ReadonlyArray<string>) => ({
        args: [name, "--config", ...properties, ...more],
        folder
      })
      const consumer = startProgram(command("run"))
      await consumer.says(/acquired at offset/)

      const second = await runProgram(command("run"))
      assert.notStrictEqual(second.code, 0)
      assert.include(second.log, String(consumer.pid), "the message names who holds the folder")
      assert.notMatch(second.log, /^\s+at /m)

      const produced = await runProgram(command("produce", "--count", "500", "--from", "6000"))
      assert.strictEqual(produced.code, 0, produced.log)
      const last = await runProgram(command("produce", "--count", "500", "--from", "6500", "--compression", "gzip"))
      assert.strictEqual(last.code, 0, last.log)
      assert.isUndefined(consumer.end(), consumer.log())
      assert.deepStrictEqual(await consumer.stop(), { code: 0, signal: null })

      const drained = await runProgram(command("run", "--until-end"))
      assert.strictEqual(drained.code, 0, drained.log)
      const verified = await runProgram(command("verify", "--output", "json"))
      assert.strictEqual(verified.code, 0, verified.log)
      assert.include(readFileSync(join(folder, ...properties), "utf8"), "mysql.url=libsql:file:")
    },
    600_000
  )
})
