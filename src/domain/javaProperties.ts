import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConfigProblem } from "./config/ConfigProblem.js"
import { key as keySpec, type KeyInfo, type KeySpec, type Kind, parsed } from "./config/KeySpec.js"
import type { PropertiesText, Setting } from "./config/settings.js"
import { nearest } from "./nearest.js"

/** What is known of one key of the Java client. Checks, help and documents are made from it. */
export interface JavaProperty<A> extends KeySpec<A> {
  /** The option of our command that says the same; undefined: there is none. */
  readonly flag: string | undefined
  /** Spellings that tutorials copy from each other. */
  readonly misspelt: ReadonlyArray<string>
}

/** One side's properties, with what is said to somebody who uses a key of the other side. */
export interface JavaClient {
  readonly name: "producer" | "consumer"
  readonly properties: ReadonlyArray<JavaPropertyInfo>
  readonly otherKeys: { readonly whose: string; readonly keys: ReadonlyArray<string> }
}

export type JavaPropertyInfo = KeyInfo & Pick<JavaProperty<unknown>, "flag" | "misspelt">

export interface PropertySources {
  /** `--properties FILE`: the weakest. */
  readonly files: ReadonlyArray<PropertiesText>
  /** `--property KEY=VALUE`, each overriding the ones before it and the files. */
  readonly properties: ReadonlyArray<string>
  /** Options that were given and say the same as a property, in the property's own form. `flag` is shown to people. */
  readonly flags: ReadonlyArray<{ readonly flag: string; readonly key: string; readonly value: string }>
}

export interface JavaSettings<A> {
  readonly settings: A
  /** What somebody said, by key; the rest of the settings are defaults. */
  readonly given: ReadonlyMap<string, Setting>
  /** What is allowed and rarely wanted: lines for the log. */
  readonly warnings: ReadonlyArray<string>
}

/** Reads properties one by one and remembers everything that is wrong, so that a person sees all of it at once. */
export interface PropertyReader {
  readonly given: ReadonlyMap<string, Setting>
  /** The value or its default; none after a problem. */
  readonly value: <A>(spec: JavaProperty<A>) => Option.Option<A>
  /** The same, undefined where nobody gives it. */
  readonly optional: <A>(spec: JavaProperty<A>) => Option.Option<A | undefined>
  readonly problems: () => ReadonlyArray<ConfigProblem>
}

interface Details {
  /** As it would stand in a file. */
  readonly fallback?: string
  readonly doc: string
  readonly flag?: string
  readonly misspelt?: ReadonlyArray<string>
}

export const property = <A>(name: string, kind: Kind<A>, { flag, misspelt, ...details }: Details): JavaProperty<A> => ({
  ...keySpec(name, kind, details),
  flag,
  misspelt: misspelt ?? []
})

/** What the bytes of keys and values are. */
export type RecordFormat = "string" | "bytes" | "avro"

const formatClasses: Readonly<Record<string, RecordFormat>> = {
  String: "string",
  ByteArray: "bytes",
  ByteBuffer: "bytes",
  Bytes: "bytes",
  KafkaAvro: "avro"
}

/** A Java class, with its package or without, as one of our formats. */
export const formatClass = (suffix: "Serializer" | "Deserializer"): Kind<RecordFormat> => ({
  ...parsed(
    Schema.Literal("string", "bytes", "avro"),
    (name) => {
      const simple = /^(?:[a-z]\w*\.)*([A-Z]\w*)$/.exec(name)?.[1]
      const stem = simple?.endsWith(suffix) === true ? simple.slice(0, -suffix.length) : ""
      return Object.hasOwn(formatClasses, stem) ? formatClasses[stem] : undefined
    },
    (format) => format,
    `one of ${Object.keys(formatClasses).map((stem) => `${stem}${suffix}`).join(", ")} (with its package or without)`
  )
})

export const makePropertyReader = (client: JavaClient, sources: PropertySources): PropertyReader => {
  const specs = new Map(client.properties.map((spec) => [spec.key, spec]))
  const given = new Map<string, Setting>()
  const problems: Array<ConfigProblem> = []
  const say = (key: string, text: string, source: string): void => {
    const spec = specs.get(key)
    if (spec === undefined) problems.push(unknownKey(client, key, source))
    else given.set(key, { text: text.trim(), source })
  }
  for (const { entries, name } of sources.files) {
    const seen = new Set<string>()
    for (const { key, line, value } of entries) {
      if (seen.has(key)) problems.push(conflict(key, undefined, `${name}:${line}`, "is set twice"))
      seen.add(key)
      say(key, value, `${name}:${line}`)
    }
  }
  for (const text of sources.properties) {
    const [, key, value] = /^\s*([A-Za-z0-9._-]+)\s*=(.*)$/s.exec(text) ?? []
    if (key !== undefined && value !== undefined) say(key, value, "--property")
    else {
      problems.push({
        code: "TRB-1003",
        key: "--property",
        // Only what can be a key is repeated: the rest may be a password.
        value: `${/^[a-z.]*/i.exec(text)?.[0] ?? ""}…`,
        source: undefined,
        what: "not understood",
        expected: "expected --property KEY=VALUE"
      })
    }
  }
  const flags = new Map(sources.flags.map((each) => [each.key, each]))
  const decode = <A>(spec: JavaProperty<A>, text: string, source: string): Option.Option<A> => {
    const value = Schema.decodeOption(spec.schema)(text)
    if (Option.isNone(value)) {
      const expected = `expected ${spec.expected}`
      problems.push({ code: "TRB-1003", key: spec.key, value: text, source, what: "not understood", expected })
    }
    return value
  }
  const optional = <A>(spec: JavaProperty<A>): Option.Option<A | undefined> => {
    const said = given.get(spec.key)
    const before = said === undefined ? Option.none() : decode(spec, said.text, said.source)
    const flag = flags.get(spec.key)
    if (flag !== undefined) {
      const value = decode(spec, flag.value, flag.flag)
      // Equal in meaning is no contradiction: acks=-1 and --acks all.
      if (said !== undefined && Option.isSome(before) && Option.isSome(value) && before.value !== value.value) {
        problems.push(conflict(spec.key, said.text, said.source, `contradicts ${flag.flag}`))
      }
      given.set(spec.key, { text: flag.value, source: flag.flag })
      return value
    }
    if (said !== undefined) return before
    return spec.fallback === undefined ? Option.some(undefined) : decode(spec, spec.fallback, "default")
  }
  return {
    given,
    optional,
    value: (spec) => Option.flatMapNullable(optional(spec), (value) => value),
    problems: () => problems
  }
}

/** A combination that cannot work, blamed on the first of the keys that somebody gave. */
export const cannotCombine = (
  { given }: Pick<PropertyReader, "given">,
  keys: readonly [KeyInfo, ...ReadonlyArray<KeyInfo>],
  what: string,
  expected: string
): ConfigProblem => {
  const blamed = keys.find(({ key }) => given.has(key)) ?? keys[0]
  const setting = given.get(blamed.key)
  return {
    code: "TRB-1005",
    key: blamed.key,
    value: setting?.text ?? blamed.fallback,
    source: setting?.source ?? "default",
    what,
    expected: `expected ${expected}`
  }
}

/** The settings with what was found, or everything that is wrong. */
export const finishProperties = <A>(
  reader: PropertyReader,
  settings: Option.Option<A>,
  judge: (settings: A) => { readonly problems: ReadonlyArray<ConfigProblem>; readonly warnings: ReadonlyArray<string> }
): Either.Either<JavaSettings<A>, ReadonlyArray<ConfigProblem>> => {
  const judged = Option.map(settings, judge)
  const problems = [...reader.problems(), ...Option.match(judged, { onNone: () => [], onSome: (_) => _.problems })]
  if (Option.isNone(settings) || Option.isNone(judged) || problems.length > 0) return Either.left(problems)
  return Either.right({ settings: settings.value, given: reader.given, warnings: judged.value.warnings })
}

const conflict = (key: string, value: string | undefined, source: string, what: string): ConfigProblem => ({
  code: "TRB-1004",
  key,
  value,
  source,
  what,
  expected: "keep one"
})

/** Its value is not shown: what follows a misspelt key may be a password. */
const unknownKey = (client: JavaClient, key: string, source: string): ConfigProblem => {
  const { keys, whose } = client.otherKeys
  const known = client.properties.map((spec) => spec.key)
  const meant = client.properties.find((spec) => spec.misspelt.includes(key))?.key ?? nearest(key, known)
  const elsewhere = keys.includes(key)
  return {
    code: "TRB-1001",
    key,
    value: undefined,
    source,
    what: elsewhere ? `is a key of ${whose}` : `unknown key of a ${client.name}`,
    expected: meant === undefined || elsewhere ? `there are: ${known.join(", ")}` : `did you mean ${meant}?`
  }
}
