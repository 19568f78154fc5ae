import { Console, Effect } from "effect"

/** A console that keeps what would go to stdout and stderr, one entry a call. */
export const captured = () => {
  const out: Array<string> = []
  const err: Array<string> = []
  const unsafe: Console.UnsafeConsole = {
    ...globalThis.console,
    log: (...parts: ReadonlyArray<unknown>) => void out.push(parts.join(" ")),
    error: (...parts: ReadonlyArray<unknown>) => void err.push(parts.join(" "))
  }
  const fromMethods: Console.Console = {
    ...Effect.runSync(Console.consoleWith(Effect.succeed)),
    log: (...parts) => Effect.sync(() => unsafe.log(...parts)),
    error: (...parts) => Effect.sync(() => unsafe.error(...parts)),
    unsafe
  }
  return { console: fromMethods, out, err }
}
