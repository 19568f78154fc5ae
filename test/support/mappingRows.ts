import { documentRows } from "./documentRows.js"
import { bytes, fixed, logical, type MappingRow, notFinite, number, outside, uuid } from "./mappingTypes.js"

const micros = (text: string): bigint => BigInt(Date.parse(text)) * 1000n
const long = "9".repeat(65)
const longest = "s".repeat(40)
const uuidHex = uuid.replaceAll("-", "")
const bigDecimal = (unscaled: bigint, size: number, zigzagScale: number): Buffer => {
  const scale = zigzagScale < 128 ? [zigzagScale] : [zigzagScale % 128 + 128, Math.floor(zigzagScale / 128)]
  const length = size < 64 ? [size * 2] : [(size * 2) % 128 + 128, Math.floor(size / 64)]
  return Buffer.concat([Buffer.from(length), number(unscaled, size), Buffer.from(scale)])
}
const first = "0000-01-01 00:00:00"
const last = "9999-12-31 23:59:59"
const datetimes = (type: string, perSecond: bigint): MappingRow => {
  const ticks = (text: string): bigint => micros(text) * perSecond / 1_000_000n
  const digits = perSecond === 1000n ? 3 : 6
  const [zeros, nines, one] = ["0".repeat(digits), "9".repeat(digits), "1".padStart(digits, "0")]
  return {
    row: type,
    type: logical("long", type),
    column: `datetime(${digits})`,
    stored: [
      [0n, `1970-01-01 00:00:00.${zeros}`],
      [-1n, `1969-12-31 23:59:59.${nines}`],
      [ticks("0000-01-01T00:00:00Z"), `${first}.${zeros}`],
      [ticks("9999-12-31T23:59:59Z") + perSecond - 1n, `${last}.${nines}`],
      // A leap second has no number of its own: the one after 23:59:59 is the next day's first.
      [ticks("2016-12-31T23:59:59Z") + perSecond, `2017-01-01 00:00:00.${zeros}`],
      [ticks("2000-02-29T00:00:00Z") + 1n, `2000-02-29 00:00:00.${one}`],
      [ticks("2026-03-29T01:30:00Z"), `2026-03-29 01:30:00.${zeros}`]
    ],
    poison: [
      [ticks("0000-01-01T00:00:00Z") - 1n, outside],
      [ticks("9999-12-31T23:59:59Z") + perSecond, outside],
      [ticks("0000-02-29T12:00:00Z"), outside],
      [2n ** 63n - 1n, outside],
      [-(2n ** 63n), outside]
    ]
  }
}

const numbers: ReadonlyArray<MappingRow> = [
  { row: "boolean", type: "boolean", column: "tinyint(1)", stored: [[true, "1"], [false, "0"]] },
  {
    row: "int",
    type: "int",
    column: "int",
    stored: [[2_147_483_647, "2147483647"], [-2_147_483_648, "-2147483648"], [0, "0"]]
  },
  {
    row: "long",
    type: "long",
    column: "bigint",
    stored: [
      [2n ** 63n - 1n, "9223372036854775807"],
      [-(2n ** 63n), "-9223372036854775808"],
      [2n ** 53n + 1n, "9007199254740993"]
    ]
  },
  {
    row: "float",
    type: "float",
    column: "double",
    stored: [
      [16_777_216, "16777216"],
      [Math.fround(0.1), "0.1"],
      [2 ** -149, "1e-45"],
      [3.4028234663852886e38, "3.4028235e+38"],
      [-0, "-0"]
    ],
    poison: [[Number.NaN, notFinite], [Infinity, notFinite], [-Infinity, notFinite]]
  },
  {
    row: "float, as FLOAT",
    type: "float",
    options: { float: "float" },
    column: "float",
    stored: [
      [16_777_216, "16777216"],
      [Math.fround(0.1), "0.10000000149011612"],
      [2 ** -149, "1.401298464324817e-45"],
      [3.4028234663852886e38, "3.4028234663852886e+38"]
    ],
    poison: [[Number.NaN, notFinite]]
  },
  {
    row: "double",
    type: "double",
    column: "double",
    stored: [
      [0.1, "0.1"],
      [1.7976931348623157e308, "1.7976931348623157e+308"],
      [5e-324, "5e-324"],
      [2.2250738585072014e-308, "2.2250738585072014e-308"],
      [-0, "-0"]
    ],
    poison: [[Number.NaN, notFinite], [Infinity, notFinite], [-Infinity, notFinite]]
  },
  {
    row: "decimal(65, 30)",
    type: logical("bytes", "decimal", { precision: 65, scale: 30 }),
    column: "decimal(65,30)",
    stored: [
      [number(BigInt(long), 28), `${"9".repeat(35)}.${"9".repeat(30)}`],
      [number(-BigInt(long), 28), `-${"9".repeat(35)}.${"9".repeat(30)}`],
      [number(1n, 1), `0.${"1".padStart(30, "0")}`],
      [number(-1n, 40), `-0.${"1".padStart(30, "0")}`]
    ],
    poison: [[number(BigInt(long) + 1n, 28), /more than the 65 digits/], [bytes(""), /not the bytes of a decimal/]]
  },
  {
    row: "decimal on fixed",
    type: fixed(3, { logicalType: "decimal", precision: 5, scale: 2 }),
    column: "decimal(5,2)",
    stored: [[number(-99_999n, 3), "-999.99"], [number(0n, 3), "0.00"]],
    poison: [[number(100_000n, 3), /more than the 5 digits/]]
  },
  {
    row: "decimal beyond DECIMAL, as VARCHAR",
    type: logical("bytes", "decimal", { precision: 70, scale: 70 }),
    options: { wideDecimal: "varchar" },
    column: "varchar(73)",
    stored: [[number(-(10n ** 70n - 1n), 30), `-0.${"9".repeat(70)}`], [number(1n, 1), `0.${"1".padStart(70, "0")}`]],
    poison: [[number(10n ** 70n, 30), /more than the 70 digits/]]
  },
  {
    row: "big-decimal",
    type: logical("bytes", "big-decimal"),
    column: "varchar(255)",
    stored: [
      [bigDecimal(-12_345n, 2, 4), "-123.45"],
      [bigDecimal(5n, 1, 5), "5000"],
      [bigDecimal(100n, 1, 4), "1.00"],
      [bigDecimal(0n, 1, 5), "0"],
      [bigDecimal(10n ** 255n - 1n, 107, 0), "9".repeat(255)],
      [bigDecimal(1n, 1, 506), `0.${"1".padStart(253, "0")}`]
    ],
    poison: [
      [bigDecimal(10n ** 255n, 107, 0), /more than 255 characters/],
      [bigDecimal(1n, 1, 508), /more than 255 characters/],
      [bigDecimal(1n, 1, 2 * 255 - 1), /more than 255 characters/],
      [bytes(""), /not the bytes of a big-decimal/],
      [bytes("020500ff"), /not the bytes of a big-decimal/]
    ]
  }
]

const texts: ReadonlyArray<MappingRow> = [
  {
    row: "string",
    type: "string",
    column: "longtext",
    stored: [
      ["", ""],
      ["😀\u{10FFFF}", "😀\u{10FFFF}"],
      ["'\"`\\\0\n\u001a %_", "'\"`\\\0\n\u001a %_"],
      ["a ", "a "],
      ["é".repeat(524_288), "é".repeat(524_288)]
    ]
  },
  {
    row: "string of a length",
    type: { type: "string", maxLength: 3 },
    column: "varchar(3)",
    stored: [["😀😀😀", "😀😀😀"], ["a  ", "a  "], ["", ""]],
    // MySQL would cut the blank off, with a note only.
    poison: [["abc ", /more than the 3 characters/], ["😀😀😀😀", /more than the 3 characters/]]
  },
  { row: "bytes", type: "bytes", column: "longblob", stored: [[bytes(""), ""], [bytes("00275cff"), "00275cff"]] },
  {
    row: "bytes of a length",
    type: { type: "bytes", maxLength: 2 },
    column: "varbinary(2)",
    stored: [[bytes("0000"), "0000"]],
    poison: [[bytes("000000"), /more than the 2 bytes/]]
  },
  { row: "fixed(255)", type: fixed(255), column: "binary(255)", stored: [[Buffer.alloc(255), "00".repeat(255)]] },
  { row: "fixed(256)", type: fixed(256), column: "varbinary(256)", stored: [[Buffer.alloc(256), "00".repeat(256)]] },
  {
    row: "fixed(65,536)",
    type: fixed(65_536),
    column: "longblob",
    stored: [[Buffer.alloc(65_536, 0xff), "ff".repeat(65_536)]]
  },
  {
    row: "enum",
    type: { type: "enum", name: "E", symbols: ["A", "a", longest] },
    column: "varchar(40)",
    stored: [["A", "A"], ["a", "a"], [longest, longest]]
  },
  {
    row: "enum, as ENUM",
    type: { type: "enum", name: "E", symbols: ["A", "a", "NULL"] },
    options: { enumeration: "enum" },
    column: "enum('A','a','NULL')",
    stored: [["A", "A"], ["a", "a"], ["NULL", "NULL"]]
  },
  {
    row: "uuid on string",
    type: logical("string", "uuid"),
    column: "char(36)",
    stored: [[uuid.toUpperCase(), uuid], [uuid, uuid]],
    poison: [[uuidHex, /not a UUID/], [`${uuid}0`, /not a UUID/], ["", /not a UUID/]]
  },
  {
    row: "uuid on fixed, as BINARY(16)",
    type: fixed(16, { logicalType: "uuid" }),
    options: { uuid: "binary" },
    column: "binary(16)",
    stored: [[bytes(uuidHex), uuidHex], [Buffer.alloc(16), "00".repeat(16)]]
  }
]

const times: ReadonlyArray<MappingRow> = [
  {
    row: "date",
    type: logical("int", "date"),
    column: "date",
    stored: [[0, "1970-01-01"], [-719_528, "0000-01-01"], [2_932_896, "9999-12-31"], [11_016, "2000-02-29"]],
    poison: [[-719_529, outside], [2_932_897, outside], [-719_469, outside], [2_147_483_647, outside]]
  },
  {
    row: "time-millis",
    type: logical("int", "time-millis"),
    column: "time(3)",
    stored: [[0, "00:00:00.000"], [86_399_999, "23:59:59.999"]],
    poison: [[-1, /negative/], [86_400_000, /24 hours/]]
  },
  {
    row: "time-micros",
    type: logical("long", "time-micros"),
    column: "time(6)",
    stored: [[0n, "00:00:00.000000"], [86_399_999_999n, "23:59:59.999999"]],
    poison: [[-1n, /negative/], [86_400_000_000n, /24 hours/]]
  },
  datetimes("timestamp-millis", 1000n),
  datetimes("timestamp-micros", 1_000_000n),
  datetimes("local-timestamp-millis", 1000n),
  datetimes("local-timestamp-micros", 1_000_000n),
  ...["timestamp-nanos", "local-timestamp-nanos"].flatMap((type): ReadonlyArray<MappingRow> => [
    {
      row: type,
      type: logical("long", type),
      column: "bigint",
      stored: [[2n ** 63n - 1n, "9223372036854775807"], [-(2n ** 63n), "-9223372036854775808"]]
    },
    {
      row: `${type}, as DATETIME(6)`,
      type: logical("long", type),
      options: { nanos: "datetime" },
      column: "datetime(6)",
      stored: [
        [1_999n, "1970-01-01 00:00:00.000001"],
        [-1n, "1969-12-31 23:59:59.999999"],
        [2n ** 63n - 1n, "2262-04-11 23:47:16.854775"],
        [-(2n ** 63n), "1677-09-21 00:12:43.145224"]
      ]
    }
  ])
]

/** Each row of docs/mapping.md's table of types, with its edges. */
export const mappingRows: ReadonlyArray<MappingRow> = [...numbers, ...texts, ...times, ...documentRows]
