import fc from "fast-check"
import type { AvroSchema } from "../../src/domain/avro/AvroSchema.js"

/** A type that has a column, any value of it, and what a database has to answer for the value. */
export interface FieldKind {
  readonly label: string
  /** Avro, as JSON. `name` makes the names of definitions unique. */
  readonly type: (name: string) => unknown
  /** What `AvroCodec.decode` gives and `encode` takes. */
  readonly values: fc.Arbitrary<unknown>
  /** The value as text, made without any of the code under test. */
  readonly expected: (value: unknown) => string
}

const logical = (type: string, logicalType: string) => (): unknown => ({ type, logicalType })

const bytes = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Buffer> =>
  fc.uint8Array(constraints).map((array) => Buffer.from(array))
const hexOf = (value: unknown): string => Buffer.isBuffer(value) ? value.toString("hex") : "not bytes"

/** Text with what SQL cares about, more often than chance would have it. */
const nasty = fc.constantFrom(
  "'",
  "\"",
  "\\",
  "\0",
  "\n",
  "\u001a",
  "`",
  ";",
  "--",
  "''",
  "\\'",
  "%",
  "_",
  "😀",
  "\u0085",
  " ",
  "x'",
  "?"
)
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.fullUnicodeString({ maxLength: 20 }),
  fc.array(fc.oneof(nasty, fc.fullUnicodeString({ maxLength: 3 })), { maxLength: 12 }).map((parts) => parts.join(""))
)

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const between = (min: bigint, max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, -1n, 0n, 1n))

/** 0000-02-29 does not exist for MySQL: these stay clear of it, its refusal has a test of its own. */
const isMissingDay = (day: number): boolean => day === -719_469
const firstSecond = -62_167_219_200n
const lastSecond = 253_402_300_799n

/** Independent of the code under test: JavaScript's own calendar. */
const secondText = (second: bigint): string =>
  new Date(Number(second) * 1000).toISOString().replace(/^[+-]00(\d{4})/, "$1").slice(0, 19).replace("T", " ")
const floorDivide = (value: bigint, by: bigint): bigint => value >= 0n ? value / by : (value + 1n) / by - 1n
const timestamps = (perSecond: bigint): Pick<FieldKind, "values" | "expected"> => ({
  values: between(firstSecond * perSecond, lastSecond * perSecond + perSecond - 1n)
    .filter((value) => !isMissingDay(Number(floorDivide(value, 86_400n * perSecond)))),
  expected: (value) => {
    const ticks = BigInt(String(value))
    const second = floorDivide(ticks, perSecond)
    const fraction = String(ticks - second * perSecond).padStart(perSecond === 1000n ? 3 : 6, "0")
    return `${secondText(second)}.${fraction}`
  }
})
const times = (perSecond: number): FieldKind["expected"] => (value) => {
  const ticks = Number(value)
  const clock = new Date(Math.floor(ticks / perSecond) * 1000).toISOString().slice(11, 19)
  return `${clock}.${String(ticks % perSecond).padStart(perSecond === 1000 ? 3 : 6, "0")}`
}

const twosComplement = (value: bigint, extraBytes: number): Buffer => {
  const length = Math.ceil((value.toString(2).length + 1) / 8) + extraBytes
  const hex = BigInt.asUintN(length * 8, value).toString(16).padStart(length * 2, "0")
  return Buffer.from(hex, "hex")
}
const decimalText = (scale: number): FieldKind["expected"] => (value) => {
  const digits = hexOf(value)
  const number = BigInt.asIntN(digits.length * 4, BigInt(`0x${digits}`))
  const text = (number < 0n ? -number : number).toString().padStart(scale + 1, "0")
  const point = scale === 0 ? "" : `.${text.slice(text.length - scale)}`
  return `${number < 0n ? "-" : ""}${text.slice(0, text.length - scale)}${point}`
}
const decimals = (precision: number, scale: number): FieldKind => {
  const limit = 10n ** BigInt(precision) - 1n
  return {
    label: `decimal(${precision}, ${scale})`,
    type: () => ({ type: "bytes", logicalType: "decimal", precision, scale }),
    values: fc.tuple(between(-limit, limit), fc.integer({ min: 0, max: 3 }))
      .map(([number, extraBytes]) => twosComplement(number, extraBytes)),
    expected: decimalText(scale)
  }
}

const numberText = (value: unknown): string => Object.is(value, -0) ? "-0" : String(value)
const finite = { noNaN: true, noDefaultInfinity: true }

/** A float32's shortest decimal, found by trying every length from one digit. */
const floatText = (value: unknown): string => {
  const float = Number(value)
  if (float === 0) return numberText(float)
  for (let digits = 1; digits <= 9; digits++) {
    const text = float.toPrecision(digits)
    if (Math.fround(Number(text)) === float) return numberText(Number(text))
  }
  return "no float"
}

/** Every row of the mapping that has a column of its own. */
export const fieldKinds: ReadonlyArray<FieldKind> = [
  { label: "boolean", type: () => "boolean", values: fc.boolean(), expected: (value) => value === true ? "1" : "0" },
  { label: "int", type: () => "int", values: fc.integer(), expected: String },
  { label: "long", type: () => "long", values: int64, expected: String },
  { label: "float", type: () => "float", values: fc.float(finite), expected: floatText },
  { label: "double", type: () => "double", values: fc.double(finite), expected: numberText },
  { label: "string", type: () => "string", values: texts, expected: String },
  { label: "bytes", type: () => "bytes", values: bytes({ maxLength: 40 }), expected: hexOf },
  ...[1, 7, 255, 256].map((size): FieldKind => ({
    label: `fixed(${size})`,
    type: (name) => ({ type: "fixed", name, size }),
    values: bytes({ minLength: size, maxLength: size }),
    expected: hexOf
  })),
  {
    label: "enum",
    type: (name) => ({ type: "enum", name, symbols: ["A", "a", "NULL", "a_much_longer_symbol"] }),
    values: fc.constantFrom("A", "a", "NULL", "a_much_longer_symbol"),
    expected: String
  },
  {
    label: "uuid on string",
    type: logical("string", "uuid"),
    values: fc.tuple(fc.uuid(), fc.boolean()).map(([uuid, upper]) => upper ? uuid.toUpperCase() : uuid),
    expected: (value) => String(value).toLowerCase()
  },
  {
    label: "uuid on fixed",
    type: (name) => ({ type: "fixed", name, size: 16, logicalType: "uuid" }),
    values: bytes({ minLength: 16, maxLength: 16 }),
    expected: (value) => hexOf(value).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
  },
  decimals(1, 0),
  decimals(1, 1),
  decimals(12, 2),
  decimals(18, 0),
  decimals(38, 18),
  decimals(65, 30),
  {
    label: "decimal on fixed",
    type: (name) => ({ type: "fixed", name, size: 9, logicalType: "decimal", precision: 20, scale: 4 }),
    values: between(-(10n ** 20n) + 1n, 10n ** 20n - 1n).map((number) =>
      Buffer.from(BigInt.asUintN(72, number).toString(16).padStart(18, "0"), "hex")
    ),
    expected: decimalText(4)
  },
  {
    label: "date",
    type: logical("int", "date"),
    values: fc.integer({ min: -719_528, max: 2_932_896 }).filter((day) => !isMissingDay(day)),
    expected: (value) => secondText(BigInt(Number(value)) * 86_400n).slice(0, 10)
  },
  {
    label: "time-millis",
    type: logical("int", "time-millis"),
    values: fc.integer({ min: 0, max: 86_399_999 }),
    expected: times(1000)
  },
  {
    label: "time-micros",
    type: logical("long", "time-micros"),
    values: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
    expected: times(1_000_000)
  },
  { label: "timestamp-millis", type: logical("long", "timestamp-millis"), ...timestamps(1000n) },
  { label: "timestamp-micros", type: logical("long", "timestamp-micros"), ...timestamps(1_000_000n) },
  { label: "local-timestamp-millis", type: logical("long", "local-timestamp-millis"), ...timestamps(1000n) },
  { label: "local-timestamp-micros", type: logical("long", "local-timestamp-micros"), ...timestamps(1_000_000n) },
  { label: "timestamp-nanos", type: logical("long", "timestamp-nanos"), values: int64, expected: String },
  { label: "local-timestamp-nanos", type: logical("long", "local-timestamp-nanos"), values: int64, expected: String }
]

/** What a database has to answer for a value of a schema's field, null aside. */
export const expectedFor = (schema: AvroSchema): FieldKind["expected"] => {
  if (schema.type === "union") {
    const [branch] = schema.branches.filter(({ type }) => type !== "null")
    return branch === undefined ? String : expectedFor(branch)
  }
  const logicalType = "logical" in schema ? schema.logical : undefined
  if (logicalType?.name === "decimal") return decimalText(logicalType.scale)
  const label = logicalType?.name ?? schema.type
  const kind = fieldKinds.find((each) => each.label === label || each.label.startsWith(`${label} on ${schema.type}`)) ??
    fieldKinds.find((each) => each.label.startsWith(label))
  return kind === undefined ? String : kind.expected
}

/** A field of a random record: a kind, bare or in a union with null. */
export interface RandomField {
  readonly kind: FieldKind
  readonly union: "none" | "null first" | "null last"
}

export interface RandomRecords {
  readonly fields: ReadonlyArray<RandomField>
  readonly schemaText: string
  readonly values: ReadonlyArray<Readonly<Record<string, unknown>>>
}

export const fieldName = (index: number): string => `f${index}`

const typeOf = ({ kind, union }: RandomField, index: number): unknown => {
  const type = kind.type(`T${index}`)
  return union === "none" ? type : union === "null first" ? ["null", type] : [type, "null"]
}

const schemaOf = (fields: ReadonlyArray<RandomField>): string =>
  JSON.stringify({
    type: "record",
    name: "Random",
    namespace: "test",
    fields: fields.map((field, index) => ({
      name: fieldName(index),
      type: typeOf(field, index),
      doc: "it's a \\ \n doc"
    }))
  })

const anyField: fc.Arbitrary<RandomField> = fc.record({
  kind: fc.constantFrom(...fieldKinds),
  union: fc.constantFrom("none", "null first", "null last")
})

const valuesOf = ({ kind, union }: RandomField): fc.Arbitrary<unknown> =>
  union === "none"
    ? kind.values
    : fc.oneof({ weight: 4, arbitrary: kind.values }, { weight: 1, arbitrary: fc.constant(null) })

const recordsOf = (fields: ReadonlyArray<RandomField>, count: number): fc.Arbitrary<RandomRecords> =>
  fc.array(
    fc.record(Object.fromEntries(fields.map((field, index) => [fieldName(index), valuesOf(field)]))),
    { minLength: count, maxLength: count }
  ).map((values) => ({ fields, schemaText: schemaOf(fields), values }))

/** Records of one random schema of supported types. */
export const randomRecords = (count: number): fc.Arbitrary<RandomRecords> =>
  fc.array(anyField, { minLength: 1, maxLength: 8 }).chain((fields) => recordsOf(fields, count))

/** Records with a field of every kind, bare and nullable. */
export const fullRecords = (count: number): fc.Arbitrary<RandomRecords> =>
  recordsOf(
    fieldKinds.flatMap((kind): ReadonlyArray<RandomField> => [{ kind, union: "none" }, { kind, union: "null first" }]),
    count
  )

/** What a database has to answer for each field of a record. */
export const expectedRow = (
  { fields }: RandomRecords,
  value: Readonly<Record<string, unknown>>
): ReadonlyArray<string | null> =>
  fields.map(({ kind }, index) => {
    const field = value[fieldName(index)]
    return field === null ? null : kind.expected(field)
  })
