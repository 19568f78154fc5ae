#!/usr/bin/env node
import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import { fileURLToPath } from "node:url"

/**
 * The edge: the only file that knows the process. It answers `--version` before anything else is loaded (a tenth of the
 * time), and leaves the rest to src/programs.
 */
const version = /"version": "([^"]+)"/.exec(readFileSync(new URL("../package.json", import.meta.url), "utf8"))?.[1] ??
  "unknown"
const argv = process.argv.slice(2)

const start = async (): Promise<void> => {
  const [{ launch }, { handlers }] = await Promise.all([
    import("./programs/launch.js"),
    import("./programs/handlers.js")
  ])
  const running = launch({
    argv,
    environment: process.env,
    version,
    self: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)]
  }, handlers)
  // The first signal drains. It also takes both listeners away, so that the second one ends the process at once, by the
  // system's own default.
  let signalled: 130 | 143 | undefined
  const interrupted = () => stop(130)
  const terminated = () => stop(143)
  const stop = (code: 130 | 143) => {
    signalled = code
    process.off("SIGINT", interrupted)
    process.off("SIGTERM", terminated)
    running.interrupt()
  }
  process.on("SIGINT", interrupted)
  process.on("SIGTERM", terminated)
  // A fiber that waits for something in memory does not keep the process alive; this does.
  const alive = setInterval(() => undefined, 2 ** 31 - 1)
  const code = await running.exitCode
  clearInterval(alive)
  // Explicitly, because a client may leave sockets and timers behind that nobody waits for.
  process.exit(code === 130 ? signalled ?? code : code)
}

/** Nothing of ours throws outside of an effect; a library may. One line, and the code that says whose fault it is. */
const bug = (error: unknown) => {
  const [what, where = ""] = error instanceof Error
    ? (error.stack ?? error.message).split("\n    at ")
    : [String(error)]
  process.stderr.write(`error TRB-7000: this is a bug in tributary: ${what}\n  where: ${where}\n`)
  process.exit(70)
}

if (argv.length === 1 && argv[0] === "--version") {
  process.stdout.write(`${version}\n`)
} else {
  // Node gives SIGHUP its default action back, so that what nohup arranged for is undone and the process dies with the
  // terminal it was started from. Without a terminal on stdin there is nobody who could have hung up on us.
  if (!isatty(0)) process.on("SIGHUP", () => undefined)
  // As the system does by default with whoever writes into a pipe that nobody reads any more: `… | head` ends quietly.
  // Other faults are told to who has written.
  process.stdout.on("error", (error) => {
    if ("code" in error && error.code === "EPIPE") process.exit(141)
  })
  // What cannot be said on stderr cannot be said; the work goes on.
  process.stderr.on("error", () => undefined)
  process.on("uncaughtException", bug)
  process.on("unhandledRejection", bug)
  await start()
}
