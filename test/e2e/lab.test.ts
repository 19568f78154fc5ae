import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { type Program, startProgram, tail } from "./support/Program.js"
import { until } from "./support/until.js"

beforeAll(ensureBuilt, 240_000)

/** `lab run --real`, with the group's members as processes of their own. */
const startLab = (brokers: string, experiment: string, scale = "0.01"): Program => {
  const folder = mkdtempSync(join(tmpdir(), "tributary lab "))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return startProgram({
    args: ["lab", "run", experiment, "--real", "--scale", scale, "--set", `kafka.bootstrap.servers=${brokers}`],
    folder
  })
}

/** The row of a strategy: what was produced and processed, lost, repeated, and what that comes to. */
const rowOf = (log: string, strategy: string) => {
  const row = log.split("\n").find((line) => line.startsWith(`${strategy} `) && line.endsWith(" once")) ?? ""
  const [, produced, processed, lost, repeated, delivery] =
    /\s1\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+0\s{2,}(.*)$/.exec(row) ?? []
  return {
    produced: Number(produced),
    processed: Number(processed),
    lost: Number(lost),
    repeated: Number(repeated),
    delivery
  }
}

const pidsIn = (program: Program) =>
  program.lines(/ \[\d+\]: tributary /).map((line) => Number(/\[(\d+)\]/.exec(line)?.[1]))

/** Where the kill has hit: the last number that was processed, and the committed offset. */
const killIn = (log: string, strategy: string) => {
  const [, last, offset, twice] = new RegExp(
    `^  ${strategy.replace("+", "\\+")}: number (\\d+) was .*, offset (\\d+) .* twice: (.*); lost: none$`,
    "m"
  )
    .exec(log) ?? []
  return { last: Number(last), offset: Number(offset), twice }
}

// Outline: the experiments are processes that kill processes; all run at the same time, because most of it is waiting for
// the session of a killed member. Where the kill hits exactly is told by the experiment itself. Its times are such that a
// kill still hits what it is to hit when it comes some seconds late.
describeWith(["kafka"], "tributary lab run --real", ({ kafka: brokers }) => {
  it("shows on real brokers what each strategy does under kill -9", async () => {
    const [killed, copied] = await Promise.all(
      [["sigkill-mid-batch", "1"], ["kafka-to-kafka", "0.1"]].map(async ([experiment = "", scale]) => {
        const program = startLab(brokers, experiment, scale)
        assert.deepStrictEqual(await program.ended, { code: 0, signal: null }, tail(program.log()))
        return program.log()
      })
    )
    for (const strategy of ["sync", "async", "async+sync"]) {
      const { last, offset, twice } = killIn(killed ?? "", strategy)
      assert.isAtLeast(last, 150)
      assert.isBelow(last, 200, "within the second poll")
      assert.strictEqual(offset, 100)
      assert.strictEqual(twice, `101–${last}`)
      const repeated = last - 100
      const expected = { produced: 300, processed: 300 + repeated, lost: 0, repeated, delivery: "at least once" }
      assert.deepStrictEqual(rowOf(killed ?? "", strategy), expected)
    }
    // Between the effect of one record and its commit the kill hits, or not.
    const each = rowOf(killed ?? "", "sync-offset")
    assert.strictEqual(each.lost, 0)
    assert.isAtMost(each.repeated, 1)
    assert.strictEqual(each.processed, 300 + each.repeated)

    const once = { produced: 6, processed: 6, lost: 0, repeated: 0, delivery: "exactly once" }
    assert.deepStrictEqual(rowOf(copied ?? "", "transform"), once)
    const [early, late] = ["EVENT(aa,bb) EVENT(cc,dd)", "EVENT(ee,ff) EVENT(gg,hh) EVENT(ii,jj) EVENT(kk,ll)"]
    assert.deepStrictEqual((copied ?? "").match(/^ {2}transform: .*$/gm), [
      "  transform: control records: COMMIT, ABORT, COMMIT",
      `  transform: read_uncommitted: ${early} ${late} ${late}`,
      `  transform: read_committed:   ${early} ${late}`
    ])
  }, 400_000)

  it("leaves no process behind when it is interrupted, and answers 130", async () => {
    const program = startLab(brokers, "sync-each-kill")
    await program.says(/consumer-thread-0 \[\d+\]: tributary read /)
    await until("three processes", () => pidsIn(program).length >= 3 || undefined, { about: program.log })
    assert.deepStrictEqual(await program.stop("SIGINT"), { code: 130, signal: null }, tail(program.log()))
    for (const pid of pidsIn(program)) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  }, 300_000)
})
