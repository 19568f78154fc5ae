import fc from "fast-check"

/** Kinds of fields, each with a way to become another: some widen, some cannot. */
export const kinds = [
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "string",
  "fixed4",
  "fixed8",
  "enumAB",
  "enumABC"
] as const
export type Kind = typeof kinds[number]

export interface Field {
  readonly name: string
  readonly kind: Kind
  readonly nullable: boolean
  /** Has a default that its column can have, too. */
  readonly preset: boolean
}

/** One version of a schema. */
export type Version = ReadonlyArray<Field>

/** A record as the walk has drawn it: of a version, with values that follow from `seed`; or a tombstone. */
export interface WalkRecord {
  readonly partition: number
  readonly version: number
  readonly seed: number
  readonly key: number
  readonly tombstone: boolean
}

export interface Policy {
  readonly mode: "none" | "additive" | "widen"
  readonly allowCopy: boolean
}

/** What befalls an instance: its death right after its so-many-th look at a table, or the end of all its connections at its so-many-th transaction. */
export interface Fault {
  readonly instance: 0 | 1
  readonly kind: "dies-after-ddl" | "loses-connections"
  readonly at: number
}

export interface Walk {
  readonly versions: ReadonlyArray<Version>
  readonly records: ReadonlyArray<WalkRecord>
  readonly partitions: number
  readonly policy: Policy
  readonly upsert: boolean
  readonly batchRows: number
  readonly fault: Fault | undefined
}

const names = ["a", "b", "c", "d", "e"] as const

/** What a field of the kind becomes where its schema grows as Avro's rules allow. */
const grown: Partial<Record<Kind, Kind>> = { int: "long", float: "double", fixed4: "fixed8", enumAB: "enumABC" }
const withDefaults: ReadonlySet<Kind> = new Set<Kind>([
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "enumAB",
  "enumABC"
])

const field = fc.record({
  name: fc.constantFrom(...names),
  kind: fc.constantFrom(...kinds),
  nullable: fc.boolean(),
  preset: fc.boolean()
}).map((drawn): Field => ({ ...drawn, preset: drawn.preset && withDefaults.has(drawn.kind) }))

interface Step {
  readonly op: "put" | "remove" | "grow" | "nullable" | "restore"
  readonly at: number
  readonly field: Field
}
const step: fc.Arbitrary<Step> = fc.record({
  // Putting a field that is there already with another kind is what must be refused.
  op: fc.constantFrom("put", "put", "remove", "grow", "grow", "nullable", "restore"),
  at: fc.nat(10),
  field
})

const without = (version: Version, name: string): Version => version.filter((each) => each.name !== name)

const next = (versions: ReadonlyArray<Version>, { at, field: drawn, op }: Step): Version => {
  const last = versions.at(-1) ?? []
  const picked = last[at % Math.max(last.length, 1)]
  const replaced = (change: Partial<Field>): Version =>
    picked === undefined ? [...last, drawn] : last.map((each) => each === picked ? { ...each, ...change } : each)
  switch (op) {
    case "put":
      return [...without(last, drawn.name), drawn]
    case "remove":
      return picked === undefined ? [...last, drawn] : without(last, picked.name)
    case "grow":
      return replaced(picked === undefined ? {} : { kind: grown[picked.kind] ?? picked.kind })
    case "nullable":
      return replaced({ nullable: true })
    case "restore": {
      const gone = versions.flat().filter(({ name }) => last.every((each) => each.name !== name))
      const back = gone[at % Math.max(gone.length, 1)]
      return back === undefined ? [...last, drawn].slice(-names.length) : [...last, back]
    }
  }
}

const unique = (version: Version): Version => [...new Map(version.map((each) => [each.name, each])).values()]

const versions: fc.Arbitrary<ReadonlyArray<Version>> = fc.tuple(
  fc.uniqueArray(field, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
  fc.array(step, { minLength: 1, maxLength: 4 })
).map(([first, steps]) =>
  steps.reduce<ReadonlyArray<Version>>((all, each) => [...all, unique(next(all, each))], [first])
)

/** Old versions go on beside new ones, as producers are not replaced all at once: a record's version is near its place. */
const spread = (index: number, count: number, jitter: number, versionCount: number): number =>
  Math.min(versionCount - 1, Math.max(0, Math.floor((index / count) * versionCount) + jitter))

export const walks: fc.Arbitrary<Walk> = fc.record({
  versions,
  drawn: fc.array(
    fc.record({
      partition: fc.nat(2),
      jitter: fc.integer({ min: -2, max: 1 }),
      seed: fc.nat(999),
      key: fc.nat(3),
      tombstone: fc.nat(9).map((roll) => roll === 0)
    }),
    { minLength: 12, maxLength: 40 }
  ),
  partitions: fc.integer({ min: 2, max: 3 }),
  policy: fc.record({
    mode: fc.constantFrom<Policy["mode"]>("none", "additive", "widen", "widen"),
    allowCopy: fc.boolean()
  }),
  upsert: fc.boolean(),
  batchRows: fc.constantFrom(1, 4, 50),
  fault: fc.option(
    fc.record({
      instance: fc.constantFrom<Fault["instance"]>(0, 1),
      kind: fc.constantFrom<Fault["kind"]>("dies-after-ddl", "loses-connections"),
      at: fc.integer({ min: 1, max: 3 })
    }),
    { nil: undefined }
  )
}).map(({ drawn, ...walk }): Walk => ({
  ...walk,
  records: drawn.map(({ jitter, partition, ...each }, index) => ({
    ...each,
    partition: partition % walk.partitions,
    version: spread(index, drawn.length, jitter, walk.versions.length)
  }))
}))

const enumOf = (name: string, ...symbols: ReadonlyArray<string>) => ({ type: "enum", name: `E${name}`, symbols })
const avroType = ({ kind, name }: Field): unknown => {
  switch (kind) {
    case "fixed4":
      return { type: "fixed", name: `F${name}`, size: 4 }
    case "fixed8":
      return { type: "fixed", name: `F${name}`, size: 8 }
    case "enumAB":
      return enumOf(name, "A", "B")
    case "enumABC":
      return enumOf(name, "A", "B", "C")
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
      return kind
  }
}

/** The default of a kind's fields, as its schema and as its column have it. */
const presetOf = (kind: Kind): unknown => {
  if (kind === "boolean") return true
  return kind === "enumAB" || kind === "enumABC" ? "B" : 7
}
/** The same as the table shows it. */
export const presetText = (kind: Kind): string => kind === "boolean" ? "1" : String(presetOf(kind))

export const avroSchema = (version: Version): string =>
  JSON.stringify({
    type: "record",
    name: "Walked",
    fields: version.map((each) => {
      const type = avroType(each)
      const preset = each.preset ? { default: presetOf(each.kind) } : {}
      return { name: each.name, type: each.nullable ? [type, "null"] : type, ...preset }
    })
  })

const fixedOf = (size: number, seed: number): Buffer => {
  const bytes = Buffer.alloc(size)
  bytes.writeUInt32BE(seed, size - 4)
  return bytes
}

export type Value = null | boolean | number | bigint | string | Buffer

/** A field's value, as the decoder gives it and the encoder takes it. */
export const valueOf = ({ kind, name, nullable }: Field, seed: number): Value => {
  const own = seed + name.charCodeAt(0)
  if (nullable && own % 4 === 0) return null
  switch (kind) {
    case "boolean":
      return own % 2 === 0
    case "int":
      return own * 1_000_003 * (own % 2 === 0 ? 1 : -1)
    case "long":
      return BigInt(own) * -8_000_000_000_001_001n
    case "float":
      return own / 4
    case "double":
      return own / 3
    case "string":
      return `${own}'\\é`
    case "fixed4":
      return fixedOf(4, own)
    case "fixed8":
      return fixedOf(8, own)
    case "enumAB":
      return own % 2 === 0 ? "A" : "B"
    case "enumABC":
      return "ABC".charAt(own % 3)
  }
}

/** A value as the test reads it from the table. */
export const asText = (value: Value): string | null => {
  if (value === null) return null
  if (Buffer.isBuffer(value)) return value.toString("hex")
  return typeof value === "boolean" ? String(Number(value)) : String(value)
}
