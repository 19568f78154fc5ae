import { Effect, Logger } from "effect"
import { lineLogger } from "../../src/programs/logging.js"

/** Runs an effect with a log that keeps its lines, in the text form. */
export const logged = <A, E, R>(body: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const keep = Logger.map(lineLogger({ level: "info", format: "text" }), (line) => void lines.push(line))
  return body(lines).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, keep)))
}
