import * as FileSystem from "@effect/platform/FileSystem"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CommandError, ExitCode } from "../exitCodes.js"

/**
 * What the files of a folder hold: how much of each file counts, and the next offset of each partition, so that the two
 * can only change together. `form` says what the rows look like.
 */
export const Positions = Schema.Struct({
  group: Schema.String,
  form: Schema.String,
  files: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({ number: Schema.NonNegativeInt, bytes: Schema.NonNegativeInt })
  }),
  topics: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({
      /** Of the topic's life; "" where the broker cannot tell. */
      id: Schema.String,
      positions: Schema.Record({ key: Schema.String, value: Schema.NonNegativeBigInt })
    })
  })
})
export type Positions = typeof Positions.Type

export const positionsName = "positions.json"

const PositionsText = Schema.parseJson(Positions)
const decode = Schema.decode(PositionsText)
const encode = Schema.encodeSync(PositionsText)

export const positionOf = ({ topics }: Positions, topic: string, partition: number): bigint | undefined =>
  topics[topic]?.positions[partition]

/** Undefined where there is none. */
export const readPositions = (
  folder: string
): Effect.Effect<Positions | undefined, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const file = `${folder}/${positionsName}`
    if (!(yield* attempt(file, fs.exists(file)))) return undefined
    const text = yield* attempt(file, fs.readFileString(file))
    return yield* Effect.mapError(decode(text), () =>
      unfit({
        what: `${file} is not what this program writes`,
        where: file,
        why: "without it nobody knows what the files of the folder hold",
        cure: "restore it, or write to another folder"
      }))
  })

/**
 * Replaces the file as a whole: a reader finds the old or the new one whatever happens in between, because a rename is
 * atomic. Synced before the rename, or a power cut could leave the new name without its content; and the folder after it.
 */
export const writePositions = (
  folder: string,
  positions: Positions
): Effect.Effect<void, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const file = `${folder}/${positionsName}`
    const written = Effect.gen(function*() {
      const next = yield* fs.open(`${file}.new`, { flag: "w" })
      yield* next.writeAll(new TextEncoder().encode(encode(positions)))
      yield* next.sync
    })
    yield* attempt(file, Effect.scoped(written))
    yield* attempt(file, fs.rename(`${file}.new`, file))
    yield* syncFolder(folder)
  })

/** Makes it last which files the folder holds. */
export const syncFolder = (folder: string): Effect.Effect<void, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    yield* attempt(folder, Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (opened) => opened.sync)))
  })

/** An operation on a file whose failure is told in the words of who has to do something about it. */
export const attempt = <A, R>(
  where: string,
  operation: Effect.Effect<A, PlatformError, R>
): Effect.Effect<A, CommandError, R> =>
  Effect.mapError(operation, (error) =>
    new CommandError({
      code: "TRB-2401",
      exit: ExitCode.io,
      what: `cannot write to ${where}`,
      where,
      why: error.message,
      cure: "make room, or make it writable, and start again: what was not finished is read again"
    }))

export const unfit = (fault: Pick<CommandError, "what" | "cure"> & { readonly where: string; readonly why: string }) =>
  new CommandError({ code: "TRB-2402", exit: ExitCode.cannotCreate, ...fault })
