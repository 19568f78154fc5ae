import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Render } from "./formats.js"
import type { Sink, Sinks } from "./sink.js"

/** Records on standard output, each behind the name of its member where there are several. It stores nothing. */
export const stdoutSinks = (render: Render, named: boolean): Sinks => (member): Sink => ({
  begin: (_, starts) => Effect.succeed(starts),
  write: (records) =>
    Effect.flatMap(render(records), (texts) => {
      const shown = texts.filter((text) => text !== undefined).map((text) => named ? `${member} >> ${text}` : text)
      // The console ends the last line itself.
      return shown.length === 0 ? Effect.void : Console.log(shown.join("").slice(0, -1))
    })
})
