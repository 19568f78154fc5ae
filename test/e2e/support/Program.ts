import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { atEnd } from "./atEnd.js"
import { mainFile } from "./build.js"
import { until } from "./until.js"

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process of the program. It has no terminal: both outputs go to one file. */
export interface Program {
  readonly pid: number
  /** Where its output goes. */
  readonly file: string
  /** All that it has written so far. */
  readonly log: () => string
  /** Lines of the log that match, in order; while it runs not the last one where that may be half written. */
  readonly lines: (pattern: RegExp) => ReadonlyArray<string>
  /** Waits for a line that matches. */
  readonly says: (pattern: RegExp, withinMs?: number) => Promise<string>
  readonly ended: Promise<Ended>
  /** Undefined while it runs. */
  readonly end: () => Ended | undefined
  readonly signal: (signal: NodeJS.Signals) => void
  /** Writes a line to its standard input, which is empty unless it was started with `stdin`. */
  readonly tell: (line: string) => void
  /** Sends the signal and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Ended>
  /** Resident memory; 0 where the system does not tell. */
  readonly residentBytes: () => number
}

export interface Start {
  readonly args: ReadonlyArray<string>
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  readonly nodeOptions?: ReadonlyArray<string>
  /** The program's file, if not the one that is compiled now. */
  readonly main?: string
  /** It has an input, which stays open. */
  readonly stdin?: boolean
}

/** Only what any program needs: neither settings of these tests nor of the shell that runs them. */
const plainEnvironment = () =>
  Object.fromEntries(
    ["PATH", "HOME", "TMPDIR", "TZ", "LANG"].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    })
  )

let started = 0

/** Starts the program, which `ensureBuilt` has compiled; what still runs when the test is over is killed. */
export const startProgram = (
  { args, env = {}, folder, main = mainFile, nodeOptions = [], stdin = false }: Start
): Program => {
  const file = join(folder, `program-${++started}.log`)
  const output = openSync(file, "a")
  const child = spawn(process.execPath, [...nodeOptions, main, ...args], {
    cwd: folder,
    env: { ...plainEnvironment(), ...env },
    stdio: [stdin ? "pipe" : "ignore", output, output]
  })
  closeSync(output)
  const { pid } = child
  if (pid === undefined) throw new Error("the program could not be started")
  let end: Ended | undefined
  const ended = new Promise<Ended>((resolve) => {
    child.on("exit", (code, signal) => {
      end = { code, signal }
      resolve(end)
    })
  })
  const log = () => readFileSync(file, "utf8")
  const whole = () => {
    // Asked first: what is read after its end is all of it.
    const hasEnded = end !== undefined
    const text = log()
    return hasEnded ? text : text.slice(0, text.lastIndexOf("\n") + 1)
  }
  const lines = (pattern: RegExp) => whole().split("\n").filter((line) => pattern.test(line))
  /** Before its first line it does not listen to signals yet, and one would just end it. */
  const listens = () => end !== undefined || log() !== "" || undefined
  atEnd(async () => {
    child.kill("SIGKILL")
    await ended
  })
  return {
    pid,
    file,
    log,
    lines,
    says: (pattern, withinMs) =>
      until(`line ${pattern} of ${args.join(" ")}`, () => lines(pattern)[0], {
        ...(withinMs === undefined ? {} : { withinMs }),
        about: () => tail(log())
      }),
    ended,
    end: () => end,
    signal: (signal) => child.kill(signal),
    tell: (line) => child.stdin?.write(`${line}\n`),
    stop: async (signal = "SIGTERM") => {
      if (signal !== "SIGKILL") await until(`a line of ${args.join(" ")}`, listens)
      child.kill(signal)
      return ended
    },
    residentBytes: () => residentBytes(pid)
  }
}

/** Runs a command of the program to its end. */
export const runProgram = async (start: Start): Promise<Ended & { readonly log: string }> => {
  const program = startProgram(start)
  return { ...await program.ended, log: program.log() }
}

/** The end of a log, for the message of a test that fails. */
export const tail = (log: string): string => log.split("\n").slice(-40).join("\n")

/** What to look at when something does not come from these. */
export const logsOf = (programs: ReadonlyArray<Program>) => (): string =>
  programs.map((program) => tail(program.log())).join("\n----\n")

const residentBytes = (pid: number): number => {
  try {
    const [, kibibytes = "0"] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return Number(kibibytes) * 1024
  } catch {
    return 0
  }
}
