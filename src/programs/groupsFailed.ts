import { CommandError, ExitCode } from "./exitCodes.js"

/** The end of a process of which some groups have failed; what each of them failed with has been said. */
export const groupsFailed = (failed: ReadonlyArray<string>, groups: number): CommandError =>
  new CommandError({
    code: "TRB-2406",
    exit: ExitCode.failed,
    what: `${failed.length} of ${groups} groups failed: ${failed.join(", ")}`,
    cure: "see above what each of them said"
  })
