import { Effect } from "effect"
import { type CommandError, ExitCode } from "../../src/programs/exitCodes.js"

/** A question to servers that stall: asked again some times where one took longer to answer than a command waits. */
export const patiently = <A, R>(command: Effect.Effect<A, CommandError, R>): Effect.Effect<A, CommandError, R> =>
  Effect.retry(command, { times: 5, while: ({ exit }) => exit === ExitCode.unreachable })
