import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { CommandError, ExitCode } from "../exitCodes.js"
import { completed, event, identity, type InputRecord, type Mapping, type OutputRecord } from "./mapping.js"

/** The mapping that `--map` names: a built-in one, or the default export of a module. */
export const loadMapping = (map: string): Effect.Effect<Mapping, CommandError> => {
  if (map === "event") return Effect.succeed(event)
  if (map === "identity") return Effect.succeed(identity)
  return Effect.flatMap(defaultExport(map), (exported) => {
    // Each record would look like one that cannot be mapped; better said once, before anything is done.
    if (isAsync(exported)) {
      return unusable(map, "its default export is an async function", "make it a plain function of the record")
    }
    return isFunction(exported)
      ? Effect.succeed(mappingOf(exported))
      : unusable(map, "it has no function as its default export", "write: export default (record) => record")
  })
}

const defaultExport = (path: string): Effect.Effect<unknown, CommandError> =>
  Effect.tryPromise((): Promise<unknown> => import(pathToFileURL(resolve(path)).href)).pipe(
    Effect.map((loaded) => Predicate.hasProperty(loaded, "default") ? loaded.default : undefined),
    Effect.catchAll(({ error }) => unusable(path, reasonOf(error), cureOf(path, error)))
  )

const unusable = (path: string, why: string, cure: string) =>
  Effect.fail(
    new CommandError({
      code: "TRB-2601",
      exit: ExitCode.usage,
      what: "--map names a module that cannot be used",
      where: path,
      why,
      cure
    })
  )

const reasonOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : String(error)

const codeOf = (error: unknown): unknown => Predicate.hasProperty(error, "code") ? error.code : undefined

/** Node strips types from 22.18 and 23.6 on; before, it does not know the file's name, or the first type annotation. */
const cureOf = (path: string, error: unknown): string => {
  if (/\.[cm]?ts$/.test(path) && codeOf(error) !== "ERR_MODULE_NOT_FOUND") {
    return "compile it to JavaScript, or run on Node 22.18 or later, which strips types"
  }
  return codeOf(error) === "ERR_MODULE_NOT_FOUND"
    ? "name event, identity, or the path of a JavaScript module"
    : "correct the module; `node FILE` shows the same error"
}

const isFunction = (value: unknown): value is (record: InputRecord) => unknown => typeof value === "function"

const isAsync = (value: unknown): boolean => isFunction(value) && value.constructor.name === "AsyncFunction"

const Bytes = Schema.Union(Schema.Uint8ArrayFromSelf, Schema.String)
const Header = Schema.Tuple(Schema.String, Schema.NullOr(Bytes))
const Answered = Schema.Struct({
  key: Schema.optional(Schema.NullOr(Bytes)),
  value: Schema.optional(Schema.NullOr(Bytes)),
  headers: Schema.optional(
    Schema.Union(Schema.Array(Header), Schema.Record({ key: Schema.String, value: Schema.NullOr(Bytes) }))
  ),
  timestampMs: Schema.optional(Schema.NonNegativeInt)
}).pipe(
  // Else anything would pass for a record that changes nothing: a number, a promise.
  Schema.filter(({ headers, key, timestampMs, value }) =>
    key !== undefined || value !== undefined || headers !== undefined || timestampMs !== undefined
  )
)
type Answered = typeof Answered.Type
const decodeAnswer = Schema.decodeUnknownEither(
  Schema.Union(Schema.Array(Answered), Answered, Schema.Null, Schema.Undefined)
)

/** A function that somebody else wrote: it may throw, and it may answer anything. */
const mappingOf = (map: (record: InputRecord) => unknown): Mapping => (record) => {
  const mapped = Either.try({ try: () => map(record), catch: reasonOf })
  if (Either.isLeft(mapped)) return Either.left(`the mapping has thrown: ${mapped.left}`)
  const answer = decodeAnswer(mapped.right)
  if (Either.isLeft(answer)) return Either.left("the mapping has answered something that is no record")
  const records = answer.right ?? []
  return Either.right((isMany(records) ? records : [records]).map((one) => completed(record, outputOf(one))))
}

const isMany = (records: Answered | ReadonlyArray<Answered>): records is ReadonlyArray<Answered> =>
  Array.isArray(records)

const outputOf = (answer: Answered): Partial<OutputRecord> => ({
  ...(answer.key === undefined ? {} : { key: bytesOf(answer.key) }),
  ...(answer.value === undefined ? {} : { value: bytesOf(answer.value) }),
  ...(answer.headers === undefined ? {} : { headers: headersOf(answer.headers) }),
  ...(answer.timestampMs === undefined ? {} : { timestampMs: answer.timestampMs })
})

const bytesOf = (value: string | Uint8Array | null): Uint8Array | null =>
  typeof value === "string" ? Buffer.from(value) : value

const headersOf = (headers: NonNullable<Answered["headers"]>): OutputRecord["headers"] =>
  (isPairs(headers) ? headers : Object.entries(headers)).map(([name, value]) =>
    [name, bytesOf(value) ?? Buffer.alloc(0)] as const
  )

const isPairs = (headers: NonNullable<Answered["headers"]>): headers is ReadonlyArray<typeof Header.Type> =>
  Array.isArray(headers)
