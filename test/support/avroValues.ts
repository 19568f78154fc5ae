import fc from "fast-check"
import type { AvroSchema } from "../../src/domain/avro/AvroSchema.js"
import { double, integer } from "./jsonDocuments.js"

/** A type that has a column, any value of it, and what a database has to answer for the value. */
export interface FieldKind {
  readonly label: string
  /** Avro, as JSON. `name` makes the names of definitions unique. */
  readonly type: (name: string) => unknown
  /** What `AvroCodec.decode` gives and `encode` takes. */
  readonly values: fc.Arbitrary<unknown>
  /** The value as text, made without any of the code under test. */
  readonly expected: (value: unknown) => string
  /** The value as part of a JSON document, where that is not its text. */
  readonly document?: (value: unknown) => unknown
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

/** Of at most 26 digits, so that both lengths fit one byte of Avro's encoding. */
const bigDecimals = fc.tuple(fc.bigInt({ min: -(10n ** 26n), max: 10n ** 26n }), fc.integer({ min: -60, max: 60 }))
  .map(([number, scale]) => {
    const digits = twosComplement(number, 0)
    return Buffer.concat([Buffer.of(digits.length * 2), digits, Buffer.of(scale < 0 ? -scale * 2 - 1 : scale * 2)])
  })
const bigDecimalText = (value: unknown): string => {
  const parts = Buffer.from(hexOf(value), "hex")
  const last = parts.at(-1) ?? 0
  const digits = parts.subarray(1, -1).toString("hex")
  const plain = decimalText(last % 2 === 0 ? last / 2 : 0)(parts.subarray(1, -1))
  return last % 2 === 0 || /^0*$/.test(digits) ? plain : plain + "0".repeat((last + 1) / 2)
}

const base64Of = (value: unknown): string => Buffer.from(hexOf(value), "hex").toString("base64")
const exactInteger = (value: unknown): string => integer(String(value))

/** Every row of the mapping that has a column of its own, and no parts. */
export const plainKinds: ReadonlyArray<FieldKind> = [
  {
    label: "boolean",
    type: () => "boolean",
    values: fc.boolean(),
    expected: (value) => value === true ? "1" : "0",
    document: (value) => value
  },
  { label: "int", type: () => "int", values: fc.integer(), expected: String, document: exactInteger },
  { label: "long", type: () => "long", values: int64, expected: String, document: exactInteger },
  {
    label: "float",
    type: () => "float",
    values: fc.float(finite),
    expected: floatText,
    document: (value) => double(Number(floatText(value)))
  },
  {
    label: "double",
    type: () => "double",
    values: fc.double(finite),
    expected: numberText,
    document: (value) => double(Number(value))
  },
  { label: "string", type: () => "string", values: texts, expected: String },
  {
    label: "string of a length",
    type: () => ({ type: "string", maxLength: 20 }),
    values: fc.fullUnicodeString({ maxLength: 20 }),
    expected: String
  },
  {
    label: "bytes",
    type: () => "bytes",
    values: bytes({ maxLength: 40 }),
    expected: hexOf,
    document: base64Of
  },
  {
    label: "bytes of a length",
    type: () => ({ type: "bytes", maxLength: 300 }),
    values: bytes({ maxLength: 300 }),
    expected: hexOf,
    document: base64Of
  },
  { label: "big-decimal", type: logical("bytes", "big-decimal"), values: bigDecimals, expected: bigDecimalText },
  ...[1, 7, 255, 256].map((size): FieldKind => ({
    label: `fixed(${size})`,
    type: (name) => ({ type: "fixed", name, size }),
    values: bytes({ minLength: size, maxLength: size }),
    expected: hexOf,
    document: base64Of
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
  ...["timestamp-nanos", "local-timestamp-nanos"].map((label): FieldKind => ({
    label,
    type: logical("long", label),
    values: int64,
    expected: String,
    document: exactInteger
  }))
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
  const kind = plainKinds.find((each) => each.label === label || each.label.startsWith(`${label} on ${schema.type}`)) ??
    plainKinds.find((each) => each.label.startsWith(label))
  return kind === undefined ? String : kind.expected
}
