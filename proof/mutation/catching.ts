import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import { judge, type Verdict } from "./judge.js"
import type { TestCatcher } from "./Mutation.js"
import { Answer, type Request, type SeedFound } from "./protocol.js"

/** A catcher that takes longer hangs: its own limits are below that. */
const answerMaxMs = 10 * 60_000

/** What runs tests in one scratch copy. */
export interface Catching {
  /** `changed`: sources that are not what they were at the last call. */
  readonly tryTests: (
    catchers: ReadonlyArray<TestCatcher>,
    changed: ReadonlyArray<string>
  ) => Promise<ReadonlyArray<Verdict>>
  /** The first seed of these with a finding. */
  readonly trySeeds: (
    from: number,
    to: number,
    except: ReadonlyArray<number>,
    changed: ReadonlyArray<string>
  ) => Promise<typeof SeedFound.Type | undefined>
  readonly end: () => void
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, "\\$&")
const decode = Schema.decodeUnknownSync(Answer)

/** In a process group of its own, so that what it has started ends with it. */
const endGroup = ({ exitCode, pid }: ChildProcess): void => {
  if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGKILL")
}

const whyNot = (given: Answer): string => given._tag === "Broken" ? given.why : "an answer out of turn"

export const makeCatching = (folder: string, stop: AbortSignal): Catching => {
  let running: ChildProcess | undefined
  const start = () =>
    spawn(process.execPath, ["node_modules/vite-node/vite-node.mjs", "--script", "proof/mutation/scratchProcess.ts"], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "ipc"]
    })
  const end = () => {
    if (running !== undefined) endGroup(running)
    running = undefined
  }
  stop.addEventListener("abort", end)

  const answer = (child: ChildProcess) =>
    new Promise<Answer>((done) => {
      const settle = (given: Answer) => {
        clearTimeout(limit)
        child.off("message", onMessage).off("exit", onExit)
        done(given)
      }
      const onMessage = (message: unknown) => settle(decode(message))
      const onExit = () => settle({ _tag: "Broken", why: "the tests' process has ended" })
      const limit = setTimeout(() => {
        end()
        settle({ _tag: "Broken", why: `the tests have not ended within ${answerMaxMs} ms` })
      }, answerMaxMs)
      child.on("message", onMessage).on("exit", onExit)
    })

  const ask = async (request: Request): Promise<Answer> => {
    if (running === undefined || running.exitCode !== null) {
      running = start()
      const ready = await answer(running)
      if (ready._tag === "Broken") return ready
    }
    const answered = answer(running)
    running.send(request)
    const given = await answered
    if (given._tag === "Broken") end()
    return given
  }

  const tryTests: Catching["tryTests"] = async (catchers, changed) => {
    const given = await ask({
      _tag: "Tests",
      files: [...new Set(catchers.map(({ file }) => file))],
      pattern: catchers.map(({ test }) => escaped(test)).join("|"),
      changed
    })
    return catchers.map((catcher) =>
      given._tag === "Ran" ? judge(given.reports, catcher) : { _tag: "Unusable", why: whyNot(given) }
    )
  }
  const trySeeds: Catching["trySeeds"] = async (from, to, except, changed) => {
    const given = await ask({ _tag: "Seeds", from, to, except, changed })
    if (given._tag === "Searched") return given.found
    throw new Error(`simulation has not answered: ${whyNot(given)}`)
  }
  return { tryTests, trySeeds, end }
}
