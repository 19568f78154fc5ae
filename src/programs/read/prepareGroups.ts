import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { consumerKeys } from "../../domain/javaKeys.js"
import { type Globals, usageError } from "../argv.js"
import type { CommandError } from "../exitCodes.js"
import { memberNames, readGroupsFile, unusedFields } from "../groupsFile.js"
import type { Environment } from "../loadConfig.js"
import { type PreparedRead, prepareRead } from "./prepare.js"
import type { ReadOptions } from "./settings.js"

/** One entry of the file of groups, with its members' names. */
export interface PreparedGroup extends PreparedRead {
  readonly names: ReadonlyArray<string>
}

/** What all groups of a process share is that of each. */
export interface PreparedGroups extends Pick<PreparedRead, "config" | "client"> {
  readonly groups: ReadonlyArray<PreparedGroup>
}

export interface GroupsRequest {
  readonly file: string
  readonly topic: string | undefined
  readonly options: Omit<ReadOptions, "topic">
}

/** Each entry as a read of its own, with the options that hold for all. */
export const prepareReadGroups = (
  globals: Globals,
  environment: Environment,
  { file, options, topic: asked }: GroupsRequest
): Effect.Effect<PreparedGroups, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { flag, key } = { flag: "--groups", key: consumerKeys.groupId.key }
    const said = options.java.flags.some((one) => one.key === key)
    const clash = asked !== undefined ? "TOPIC" : said ? "--group" : options.file !== undefined ? "--file" : undefined
    if (clash !== undefined) {
      return yield* usageError(`${clash} and --groups say the same thing`, `leave ${clash} out: ${file} names it`)
    }
    const entries = yield* readGroupsFile(file)
    const names = memberNames(entries)
    const groups = yield* Effect.forEach(entries, (entry, index) => {
      const { group, members, sink, topic } = entry
      return Effect.map(
        prepareRead(globals, environment, {
          ...options,
          topic,
          members,
          file: sink === "stdout" ? undefined : sink,
          java: { ...options.java, flags: [...options.java.flags, { flag, key, value: group }] }
        }),
        (prepared) => ({
          ...prepared,
          names: names[index] ?? [],
          warnings: [...prepared.warnings, ...unusedFields("read", file, [entry])]
        })
      )
    })
    const [first] = groups
    // A file without any group is refused before.
    if (first === undefined) return yield* Effect.dieMessage(`${file} has no group`)
    return { config: first.config, client: first.client, groups }
  })
