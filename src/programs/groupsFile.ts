import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { type GroupEntry, parseGroups } from "../domain/groupsFile.js"
import { CommandError, ExitCode } from "./exitCodes.js"

/** Reads the file that names the groups of a process; tells all that is wrong with it at once. */
export const readGroupsFile = (
  file: string
): Effect.Effect<ReadonlyArray<GroupEntry>, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), (error) =>
      new CommandError({
        code: "TRB-1201",
        exit: ExitCode.configuration,
        what: `cannot read ${file}`,
        where: file,
        why: error.message,
        cure: "name a file that this account may read: --groups FILE"
      }))
    return yield* Effect.mapError(parseGroups(text), (problems) =>
      new CommandError({
        code: "TRB-1202",
        exit: ExitCode.configuration,
        what: problems.length === 1 ? `${file} has a problem` : `${file} has ${problems.length} problems`,
        where: file,
        details: problems.map(({ cure, line, path, what }) => `${file}:${line} ${path}: ${what}; ${cure}`),
        cure: "correct what is listed"
      }))
  })

/** Fields that this command has no use for; whoever has written them expects something of them. */
export const unusedFields = (
  command: "read" | "run",
  file: string,
  entries: ReadonlyArray<Pick<GroupEntry, "path" | "sink" | "table">>
): ReadonlyArray<string> =>
  entries.flatMap(({ path, sink, table }) => {
    if (command === "run" && sink !== undefined) {
      return [`${file} ${path}.sink: run writes to the database and leaves ${sink} out; "table" names a table there`]
    }
    if (command === "read" && table !== undefined) {
      return [`${file} ${path}.table: read writes no table and leaves ${table} out; "sink" names a file`]
    }
    return []
  })

/** An entry's members, numbered through all entries of the process so that a name means one member. */
export const memberNames = (
  entries: ReadonlyArray<Pick<GroupEntry, "members">>
): ReadonlyArray<ReadonlyArray<string>> => {
  let next = 0
  return entries.map(({ members }) => Array.from({ length: members }, () => `consumer-thread-${next++}`))
}
