import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import { type FileReport, judge, type Verdict } from "./judge.js"
import type { TestCatcher } from "./Mutation.js"
import { Answer, type Request } from "./protocol.js"

/** A catcher that takes longer hangs: its own limits are below that. */
const answerMaxMs = 10 * 60_000

/** What runs tests in one scratch copy. */
export interface Catching {
  /** `changed`: sources that are not what they were at the last call. */
  readonly tryTests: (
    catchers: ReadonlyArray<TestCatcher>,
    changed: ReadonlyArray<string>
  ) => Promise<ReadonlyArray<Verdict>>
  readonly end: () => void
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, "\\$&")
const decode = Schema.decodeUnknownSync(Answer)

/** In a process group of its own, so that what it has started ends with it. */
const endGroup = ({ exitCode, pid }: ChildProcess): void => {
  if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGKILL")
}

export const makeCatching = (folder: string, stop: AbortSignal): Catching => {
  let running: ChildProcess | undefined
  const start = () =>
    spawn(process.execPath, ["node_modules/vite-node/vite-node.mjs", "--script", "proof/mutation/testProcess.ts"], {
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
    new Promise<typeof Answer.Type>((done) => {
      const settle = (given: typeof Answer.Type) => {
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

  const ask = async (request: typeof Request.Type): Promise<ReadonlyArray<FileReport> | string> => {
    if (running === undefined || running.exitCode !== null) {
      running = start()
      const ready = await answer(running)
      if (ready._tag === "Broken") return ready.why
    }
    const answered = answer(running)
    running.send(request)
    const given = await answered
    if (given._tag === "Ran") return given.reports
    end()
    return given._tag === "Broken" ? given.why : "the tests' process has answered out of turn"
  }

  const tryTests: Catching["tryTests"] = async (catchers, changed) => {
    const reports = await ask({
      files: [...new Set(catchers.map(({ file }) => file))],
      pattern: catchers.map(({ test }) => escaped(test)).join("|"),
      changed
    })
    return catchers.map((catcher) =>
      typeof reports === "string" ? { _tag: "Unusable", why: reports } : judge(reports, catcher)
    )
  }
  return { tryTests, end }
}
