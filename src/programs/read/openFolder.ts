import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { Admin } from "../../layers/Admin.js"
import type { Isolation } from "../../layers/Consumer.js"
import { usageError } from "../argv.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import type { Backoff } from "../outage.js"
import { makeFileSinks } from "./fileSink.js"
import { type FormatName, lines, render, type Values } from "./formats.js"
import {
  attempt,
  type Positions,
  positionsName,
  readPositions,
  syncFolder,
  unfit,
  writePositions
} from "./positionsFile.js"
import { type FileEnding, fileEndings, fileName, isMemberFile, type Repair, repairs } from "./rotation.js"
import type { Sinks } from "./sink.js"
import { table } from "./table.js"

export interface FolderOptions {
  /** `--file`: the folder that takes the files, and by its ending their form. */
  readonly folder: string
  readonly group: string
  /** Undefined: rows of all columns in `.csv` and `.tsv`, values in `.log`. */
  readonly format: FormatName | undefined
  readonly values: Values
  readonly isolation: Isolation
  readonly rotateBytes: number | undefined
  readonly backoff: Backoff
  /** Keeps a file locked against other processes until the scope closes; fails at once where another one has it. */
  readonly lock: (file: string) => Effect.Effect<void, { readonly message: string }, Scope.Scope>
}

/** What is written, from the name of the folder and the format. */
export const formOf = ({ folder, format, isolation }: Pick<FolderOptions, "folder" | "format" | "isolation">) =>
  Either.gen(function*() {
    const ending = fileEndings.find((one) => folder.endsWith(`.${one}`))
    if (ending === undefined) {
      return yield* Either.left(usageError(`${folder}: expected a name that ends in .csv, .tsv or .log`))
    }
    if (ending === "log") {
      return { ending, head: "", layout: lines(format ?? "value", isolation), form: `log ${format ?? "value"}` }
    }
    const rows = table(ending === "csv" ? "," : "\t", format)
    if (rows === undefined) {
      return yield* Either.left(usageError(
        `${folder}: --format ${format} is a line of its own, not a row of a table`,
        `name a file that ends in .log, or use --format value, key+value or avro, or none`
      ))
    }
    return { ending, head: rows.head, layout: rows.row, form: `${ending} ${format ?? "all"}` }
  })

/**
 * The sinks that write to a folder: one process and one group at a time. What a process that was killed had not finished
 * is cut off first.
 */
export const openFolder = (
  options: FolderOptions
): Effect.Effect<Sinks, CommandError, FileSystem.FileSystem | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    const { folder, group } = options
    const { ending, form, head, layout } = yield* formOf(options)
    const fs = yield* FileSystem.FileSystem
    yield* attempt(folder, fs.makeDirectory(folder, { recursive: true }))
    yield* syncFolder(`${folder}/..`)
    yield* Effect.mapError(options.lock(`${folder}/.lock`), (error) =>
      new CommandError({
        code: "TRB-2403",
        exit: ExitCode.tryAgain,
        what: `another process writes to ${folder}`,
        where: folder,
        why: error.message,
        cure: "write to another folder, or have its members in one process: --members N"
      }))
    const positions = yield* recover(folder, group, form, ending)
    return yield* makeFileSinks({ ...options, ending, head, render: render(options.values, layout) }, positions)
  })

/** Brings the files back to what their positions say, and answers these. */
const recover = (
  folder: string,
  group: string,
  form: string,
  ending: FileEnding
): Effect.Effect<Positions, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const names = yield* attempt(folder, fs.readDirectory(folder))
    const stored = yield* readPositions(folder)
    if (stored === undefined) {
      yield* checkEmpty(folder, names)
      const empty: Positions = { group, form, files: {}, topics: {} }
      // Before the first row: from now on the files are ours, and what the positions do not mention does not count.
      yield* writePositions(folder, empty)
      return empty
    }
    if (stored.group !== group) return yield* another(folder, `group ${stored.group}`, `group ${group}`)
    if (stored.form !== form) return yield* another(folder, `rows as ${stored.form}`, `rows as ${form}`)
    yield* Effect.forEach(repairs(names, stored.files), (repair) => mend(folder, repair), { discard: true })
    const gone = Object.entries(stored.files).filter(([member, mark]) =>
      mark.bytes > 0 && !names.includes(fileName(member, mark.number, ending))
    )
    if (gone.length === 0) return stored
    // Somebody has taken it away. Its rows are that person's; what comes next begins a new file of that name.
    yield* Effect.logInfo(`${folder} goes on in new files for ${gone.map(([member]) => member).join(", ")}`)
    const renewed = gone.map(([member, { number }]) => [member, { number, bytes: 0 }])
    const positions = { ...stored, files: { ...stored.files, ...Object.fromEntries(renewed) } }
    yield* writePositions(folder, positions)
    return positions
  })

const checkEmpty = (folder: string, names: ReadonlyArray<string>): Effect.Effect<void, CommandError> => {
  const strangers = names.filter(isMemberFile)
  if (strangers.length === 0) return Effect.void
  return unfit({
    what: `${folder} holds files of which nobody knows what they hold`,
    where: strangers.map((name) => `${folder}/${name}`).join(", "),
    why: `there is no ${positionsName} beside them`,
    cure: "write to another folder, or move these files away"
  })
}

const another = (folder: string, is: string, wanted: string): CommandError =>
  unfit({
    what: `${folder} belongs to something else`,
    where: folder,
    why: `it was written with ${is}, and now it is ${wanted}`,
    cure: "write to another folder, or move this one away"
  })

const mend = (
  folder: string,
  { bytes, name }: Repair
): Effect.Effect<void, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = `${folder}/${name}`
    if (bytes === undefined) return yield* attempt(path, fs.remove(path))
    const size = Number((yield* attempt(path, fs.stat(path))).size)
    if (size < bytes) {
      return yield* unfit({
        what: `${path} is shorter than it was`,
        where: path,
        why: `${bytes} bytes of it were written and synced, and it has ${size}`,
        cure: "restore it, or move the folder away to begin at the group's committed offsets"
      })
    }
    if (size === bytes) return
    const cut = Effect.gen(function*() {
      const file = yield* fs.open(path, { flag: "r+" })
      yield* file.truncate(bytes)
      yield* file.sync
    })
    yield* attempt(path, Effect.scoped(cut))
    yield* Effect.logInfo(`${path}: ${size - bytes} bytes of an unfinished write are cut off`)
  })
