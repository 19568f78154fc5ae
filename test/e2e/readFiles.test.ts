import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { makeTopics } from "./support/ownTopics.js"
import { startProgram } from "./support/Program.js"
import { until } from "./support/until.js"

const count = 3000
const head = "topic,partition,offset,timestamp,key,value"

/** The rows of all files of the folder; the last line may be half a row while somebody writes it. */
const linesOf = (folder: string): ReadonlyArray<string> =>
  filesOf(folder).flatMap((name) =>
    readFileSync(join(folder, name), "utf8").split("\n").filter((line) => line !== "" && line !== head)
  )

const filesOf = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".csv")) : []

/** Files of both members; one that is followed by another is final, whenever the kill comes. */
const numbered = (number: number) => [0, 1].map((member) => `consumer-thread-${member}.${number}.csv`)

beforeAll(ensureBuilt, 240_000)

// Outline: two members write 3,000 records into files that are rotated, in polls of 7. They are killed with SIGKILL in the
// middle of it, both behind a rotation, with whatever they have half written, and another process reads to the end. The
// first is slow: at the kill it has work left for half a minute; in the second one member may be so quick that the other
// comes too late for any record. (Every byte at which a kill can come: test/programs/read/fileSink.test.ts.)
describeWith(["kafka"], "tributary read into files", ({ kafka: brokers }) => {
  it("each record is a row once, over a process that is killed with SIGKILL", async () => {
    const { folder, topics: [topic = ""] } = await makeTopics(brokers, [3], count)
    const properties = [
      `bootstrap.servers=${brokers}`,
      "auto.offset.reset=earliest",
      "max.poll.records=7",
      "session.timeout.ms=6000",
      "heartbeat.interval.ms=1000"
    ].flatMap((property) => ["--property", property])
    const options = ["--group", `${topic}-files`, "--members", "2", "--commit", "sync"]
    const output = ["--file", "out.csv", "--rotate", "3kB"]
    const read = (...args: ReadonlyArray<string>) =>
      startProgram({ folder, args: ["read", topic, ...options, ...output, ...properties, ...args] })
    const out = join(folder, "out.csv")
    const killed = read("--process-delay", "20ms")
    const some = () =>
      linesOf(out).length >= count / 10 && numbered(2).every((name) => filesOf(out).includes(name)) || undefined
    await until("a tenth of the rows, of both members", some, { everyMs: 5, about: killed.log })
    assert.strictEqual((await killed.stop("SIGKILL")).signal, "SIGKILL")
    assert.isBelow(linesOf(out).length, count)
    const last = read("--until-end")
    assert.deepStrictEqual(await last.ended, { code: 0, signal: null }, last.log())
    const wanted = Array.from({ length: count }, (_, n) => `${topic},${n % 3},${Math.floor(n / 3)},k${n},${topic} ${n}`)
    const found = linesOf(out).map((line) => line.split(",").toSpliced(3, 1).join(","))
    assert.deepStrictEqual(found.toSorted(), wanted.toSorted())
    assert.isAbove(filesOf(out).length, 4)
    assert.include(filesOf(out), "consumer-thread-0.csv")
    assert.includeMembers(filesOf(out), numbered(1))
  }, 400_000)
})
