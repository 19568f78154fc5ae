import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { assert } from "vitest"
import type { Program } from "./Program.js"
import { until } from "./until.js"

/** Counted from when the program has noticed: several tries of everyone who waits, at most 2 s apart. */
const outageMs = 5000
/** src/programs/outages.ts: how often an outage that lasts is told. */
const summaryEveryMs = 30_000
const told = /trying again until it works/
/** Of a broker it may be that the client tells its loss, and nobody else has anything to ask it. */
const noticed = /trying again until it works|is not reachable/

/** How long the program's main thread has run so far, or waited for a processor; 0 where the system does not tell. */
const busyMs = (pid: number): number => {
  try {
    const [running = 0, waiting = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ").map(Number)
    return (running + waiting) / 1e6
  } catch {
    return 0
  }
}

/** Whether it sleeps for a quarter of the second that follows. */
const rests = async (program: Program): Promise<true | undefined> => {
  const [since, before] = [performance.now(), busyMs(program.pid)]
  await sleep(1000)
  return busyMs(program.pid) - before < (performance.now() - since) * 3 / 4 || undefined
}

/**
 * Lets an outage last once the program has noticed it; it neither ends meanwhile nor turns round and round. A loop without
 * a pause never sleeps, however little of a processor it gets; nine partitions that wait for a database sleep for seven
 * eighths of the time, or for less where the machine is slow and while they write what they still have.
 */
export const outlive = async (program: Program): Promise<void> => {
  await program.says(noticed)
  await sleep(outageMs)
  await until("it rests: no busy loop", () => rests(program), { about: program.log })
  assert.isUndefined(program.end(), program.log())
}

/**
 * After an outage that began at `sinceMs`: for all that waited together one line, and one more each 30 s. `others` is how
 * many more lines of a warning or an error the outage may bring.
 */
export const assertCalm = (program: Program, sinceMs: number, others: number): void => {
  assert.isUndefined(program.end(), program.log())
  assert.deepStrictEqual(program.lines(/^\s+at |TRB-7000/), [])
  const loud = program.lines(/ (?:WARN|ERROR) /).filter((line) => !line.includes("Backpressure"))
  const waiting = loud.filter((line) => told.test(line))
  const flooded = `the log is flooded:\n${loud.join("\n")}`
  assert.isAtMost(waiting.length, 1 + Math.floor((performance.now() - sinceMs) / summaryEveryMs), flooded)
  assert.isAtMost(loud.length - waiting.length, others, flooded)
}

/**
 * By what the program says at the end of an outage: each who waited tried after 100 ms, 200 ms and so on, and then once a
 * second on average. Chance adds less than as much again, and six more.
 */
export const assertPauses = (program: Program, waiting: number): void => {
  const ended = /works again after (\d+) ms, (\d+) failed tries/
  const ends = program.lines(ended)
  assert.isNotEmpty(ends, program.log())
  for (const end of ends) {
    const [, ms = "", tries = ""] = ended.exec(end) ?? []
    assert.isAtMost(Number(tries), waiting * (12 + 2 * Number(ms) / 1000), `a busy loop: ${end}`)
  }
}

/** The membership of each topic's group was kept: nobody had to join again. */
export const assertMembershipKept = (program: Program, topics: ReadonlyArray<string>): void =>
  assert.lengthOf(program.lines(/partitions assigned/), topics.length, program.log())
