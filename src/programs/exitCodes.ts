import * as Data from "effect/Data"

/** What the shell is told (sysexits.h where it has a word for it). */
export const ExitCode = {
  /** Done, or `run` was stopped by a signal and drained cleanly. */
  done: 0,
  failed: 1,
  /** A check found a difference: `verify`. */
  different: 2,
  usage: 64,
  undecodable: 65,
  /** A service cannot be reached, in a command that does not wait for it. */
  unreachable: 69,
  /** A bug of ours. */
  bug: 70,
  cannotCreate: 73,
  io: 74,
  /** Lock held, group active, drain timed out. */
  tryAgain: 75,
  /** Credentials or privileges. */
  refused: 77,
  configuration: 78,
  interrupted: 130,
  terminated: 143
} as const
export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/**
 * How a command ends without having done its work, in the words of the person who has to do something about it. Holds
 * no secret and no record.
 */
export class CommandError extends Data.TaggedError("CommandError")<{
  /** Stable, `TRB-nnnn`. */
  readonly code: string
  readonly exit: ExitCode
  readonly what: string
  /** File and line, host and port, topic and partition. */
  readonly where?: string
  readonly why?: string
  /** What to type or change. */
  readonly cure: string
  /** Each a line of its own, where there are several faults at once. */
  readonly details?: ReadonlyArray<string>
}> {
  override get message(): string {
    return this.what
  }
}
