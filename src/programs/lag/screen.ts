import * as Terminal from "@effect/platform/Terminal"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Globals } from "../argv.js"
import { jsonLine } from "../report.js"

/** Where a view that changes is shown. */
export interface Screen {
  readonly show: (view: { readonly text: () => string; readonly json: () => object }) => Effect.Effect<void>
}

const escape = "\u001B["
const enter = `${escape}?1049h${escape}?25l`
const leave = `${escape}?25h${escape}?1049l`

/**
 * On a terminal: the whole screen, drawn anew in its place, and the last view left behind when the scope closes. Into a
 * pipe or a file: one view after the other, each under its time; as JSON, one line each.
 */
export const makeScreen = (
  output: Globals["output"]
): Effect.Effect<Screen, never, Scope.Scope | Terminal.Terminal> =>
  Effect.gen(function*() {
    if (output === "json") {
      return { show: ({ json }) => Effect.flatMap(now, (at) => Console.log(jsonLine({ at, ...json() }))) }
    }
    const terminal = yield* Terminal.Terminal
    if (!(yield* terminal.isTTY)) {
      return { show: ({ text }) => Effect.flatMap(now, (at) => Console.log(`${at}\n${text()}\n`)) }
    }
    let last = ""
    yield* Effect.acquireRelease(Console.log(enter), () => Console.log(`${leave}${last}`))
    return {
      show: ({ text }) =>
        Effect.gen(function*() {
          last = `${yield* now}\n${text()}`
          yield* Console.log(redraw(last, yield* terminal.rows))
        })
    }
  })

const now = Effect.map(Clock.currentTimeMillis, (ms) => new Date(ms).toISOString())

/**
 * Over what stands there, line by line, so that nothing flickers. What is longer than the screen says so: scrolled out of
 * it, the head would be lost.
 */
export const redraw = (text: string, rows: number): string => {
  const lines = text.split("\n")
  const room = rows - 2
  const shown = room < 2 || lines.length <= room
    ? lines
    : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} lines more`]
  return `${escape}H${shown.map((line) => `${line}${escape}K`).join("\n")}\n${escape}J`
}
