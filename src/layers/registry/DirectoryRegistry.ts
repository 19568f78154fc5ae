/**
 * `SchemaRegistry` over a folder, in place of a server:
 *
 * ```
 * ids/<id>.avsc                   a schema, as it was registered
 * ids/<id>.references             what it references, as JSON, if anything
 * subjects/<subject>/<version>    the id of that version, as text; the subject's name percent-encoded
 * register.lock                   held while something is registered
 * ```
 * Every file is written once and by rename, so that readers need no lock.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { tryLock } from "../embedded/fileLock.js"
import {
  RegistryRefused,
  RegistryUnavailable,
  SchemaNotFound,
  type SchemaReference,
  SchemaRegistry
} from "../SchemaRegistry.js"
import { charactersOf, withReferences } from "./references.js"
import { identityOf } from "./schemaText.js"
import { makeSingleFlight } from "./singleFlight.js"

/** The folder is made by the first `register`. */
export const layer = (root: string): Layer.Layer<SchemaRegistry> => Layer.scoped(SchemaRegistry, make(root))

const make = Effect.fnUntraced(function*(root: string) {
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: (cause) => new RegistryUnavailable({ registry: root, cause }) })

  const idFile = (id: number) => join(root, "ids", `${id}.avsc`)
  const referencesFile = (id: number) => join(root, "ids", `${id}.references`)
  const refuse = (what: string) => new RegistryRefused({ registry: root, kind: "schema", what })
  const subjectFolder = (subject: string) => join(root, "subjects", fileName(subject))

  /** The text of a file; undefined where there is none. */
  const read = (file: string) =>
    attempt(() => readFile(file, "utf8")).pipe(Effect.catchIf(absent, () => Effect.succeed(undefined)))

  /** The names in a folder that are positive numbers, ascending; empty where there is no folder. */
  const numbersIn = (folder: string, suffix: string) =>
    attempt(() => readdir(folder)).pipe(
      Effect.catchIf(absent, () => Effect.succeed([])),
      Effect.map((names) =>
        names.flatMap((name) => {
          const digits = name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : ""
          return /^[1-9]\d{0,9}$/.test(digits) ? [Number(digits)] : []
        }).toSorted((a, b) => a - b)
      )
    )

  const place = Effect.fnUntraced(function*(file: string, text: string) {
    yield* attempt(() => mkdir(dirname(file), { recursive: true }))
    yield* attempt(() => writeFile(`${file}.new`, text, { flush: true }))
    yield* attempt(() => rename(`${file}.new`, file))
  })

  const stored = Effect.fnUntraced(function*(id: number) {
    const schema = yield* read(idFile(id))
    if (schema === undefined) return yield* new SchemaNotFound({ what: `schema id ${id}`, registry: root })
    const references = decodeReferences((yield* read(referencesFile(id))) ?? "[]")
    if (Either.isLeft(references)) return yield* refuse(`what schema id ${id} references cannot be read`)
    return { schema, references: references.right }
  })

  /** The number and the id of a subject's version; its newest where none is named. */
  const versionOf = Effect.fnUntraced(function*(subject: string, wanted?: number) {
    const versions = yield* numbersIn(subjectFolder(subject), "")
    const version = wanted === undefined ? versions.at(-1) : versions.find((known) => known === wanted)
    const text = version === undefined ? undefined : yield* read(join(subjectFolder(subject), String(version)))
    if (version === undefined || text === undefined) {
      const what = wanted === undefined ? `subject ${subject}` : `version ${wanted} of subject ${subject}`
      return yield* new SchemaNotFound({ what, registry: root })
    }
    const id = decodeId(text)
    if (Either.isLeft(id)) return yield* refuse(`version ${version} of ${subject} names no id`)
    return { id: id.right, version }
  })

  const resolved = (what: string, schema: string, references: ReadonlyArray<SchemaReference>) =>
    withReferences(
      root,
      what,
      { schema, references },
      (reference) => Effect.flatMap(versionOf(reference.subject, reference.version), ({ id }) => stored(id))
    )

  const byId = yield* makeSingleFlight(
    Effect.fnUntraced(function*(id: number) {
      const { references, schema } = yield* stored(id)
      return { id, ...yield* resolved(`schema id ${id}`, schema, references) }
    }),
    { weigh: charactersOf, remembered: () => 0 }
  )

  /** A folder gives its schemas no GUIDs. */
  const byGuid = (guid: string) => Effect.fail(new SchemaNotFound({ what: `schema ${guid}`, registry: root }))

  const latest = Effect.fn("DirectoryRegistry.latest")(function*(subject: string, wanted?: number) {
    const { id, version } = yield* versionOf(subject, wanted)
    return { ...yield* byId(id), version }
  })

  const registerLocked = Effect.fnUntraced(function*(
    subject: string,
    schema: string,
    references: ReadonlyArray<SchemaReference>,
    identity: string
  ) {
    const ids = yield* numbersIn(join(root, "ids"), ".avsc")
    let id: number | undefined
    for (const known of ids) {
      const other = yield* stored(known)
      if (identityOf(other.schema, other.references) === identity) {
        id = known
        break
      }
    }
    if (id === undefined) {
      id = (ids.at(-1) ?? 0) + 1
      const file = referencesFile(id)
      // Who stopped half-way may have left one of another schema.
      if (references.length === 0) yield* attempt(() => rm(file, { force: true }))
      else yield* place(file, JSON.stringify(references))
      // Last: with this file the id is there.
      yield* place(idFile(id), schema)
    }
    const folder = subjectFolder(subject)
    const versions = yield* numbersIn(folder, "")
    for (const version of versions) {
      if ((yield* read(join(folder, String(version)))) === String(id)) return id
    }
    yield* place(join(folder, String((versions.at(-1) ?? 0) + 1)), String(id))
    return id
  })

  const register = Effect.fn("DirectoryRegistry.register")(function*(
    subject: string,
    schema: string,
    references: ReadonlyArray<SchemaReference> = []
  ) {
    const identity = identityOf(schema, references)
    if (identity === undefined) return yield* refuse(`the schema of ${subject} is not JSON`)
    yield* resolved(`the schema of ${subject}`, schema, references)
    yield* attempt(() => mkdir(root, { recursive: true }))
    // Two processes that register at once would otherwise both take the next id.
    const locked = Effect.zipRight(
      tryLock(join(root, "register.lock")),
      registerLocked(subject, schema, references, identity)
    )
    return yield* Effect.scoped(locked).pipe(
      Effect.retry({ while: (error) => error._tag === "FileLocked", schedule: untilFree }),
      Effect.catchTags({
        FileLocked: (cause) => new RegistryUnavailable({ registry: root, cause }),
        FileLockFailed: (cause) => new RegistryUnavailable({ registry: root, cause })
      })
    )
  })

  return SchemaRegistry.of({ byId, byGuid, latest, register })
})

/** Registering takes milliseconds; who holds the lock longer is stopped. */
const untilFree = Schedule.spaced("10 millis").pipe(Schedule.jittered, Schedule.upTo("10 seconds"))

/** One path segment, whatever the subject is called: "." and ".." would be folders of their own. */
const fileName = (subject: string) => encodeURIComponent(subject).replaceAll(".", "%2E")

const decodeId = Schema.decodeUnknownEither(Schema.NumberFromString.pipe(Schema.int(), Schema.positive()))
const decodeReferences = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Array(Schema.Struct({ name: Schema.String, subject: Schema.String, version: Schema.Int })))
)
const decodeNoEntry = Schema.decodeUnknownEither(Schema.Struct({ code: Schema.Literal("ENOENT") }))
const absent = (error: RegistryUnavailable) => Either.isRight(decodeNoEntry(error.cause))
