import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import type { Dialect } from "../../../src/domain/sql/Dialect.js"
import { shortestFloat } from "../../../src/domain/sql/literal/numbers.js"
import { dayText } from "../../../src/domain/sql/literal/times.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import type { ColumnType } from "../../../src/domain/sql/TablePlan.js"
import { texts } from "../../support/avroValues.js"
import { modes, readLiteral } from "../../support/mysqlLiterals.js"

/** The literal, or `poison: ` and the reason. */
const write = (dialect: Dialect, type: ColumnType, value: unknown, nullable = false): string =>
  Either.match(dialect.literal({ from: "value", path: ["f"], name: "f", type, nullable })(value), {
    onLeft: ({ column, reason }) => `poison: ${column}: ${reason}`,
    onRight: (literal) => literal
  })

const micros = (text: string): bigint => BigInt(Date.parse(`${text}Z`)) * 1000n
const timestamp = { kind: "timestamp", unit: "micros" } as const
const timestampMillis = { kind: "local-timestamp", unit: "millis" } as const
const decimal = (precision: number, scale: number): ColumnType => ({
  kind: "decimal",
  precision,
  scale,
  stored: "decimal"
})
const P = "poison"

// Per row: type, value, MySQL's literal, SQLite's where it differs. `poison` stands for any reason, the same in both.
const table: ReadonlyArray<readonly [type: ColumnType, value: unknown, mysql: string, sqlite?: string]> = [
  [{ kind: "boolean" }, true, "1"],
  [{ kind: "boolean" }, false, "0"],
  [{ kind: "boolean" }, 1, P],
  [{ kind: "int" }, -2_147_483_648, "-2147483648"],
  [{ kind: "int" }, 2_147_483_647, "2147483647"],
  [{ kind: "int" }, 2_147_483_648, P],
  [{ kind: "int" }, 0.5, P],
  [{ kind: "int" }, 1n, P],
  [{ kind: "int" }, Number.NaN, P],
  [{ kind: "long" }, 9_223_372_036_854_775_807n, "9223372036854775807"],
  [{ kind: "long" }, -9_223_372_036_854_775_808n, "-9223372036854775808"],
  [{ kind: "long" }, 9_223_372_036_854_775_808n, P],
  [{ kind: "long" }, 1, P],
  [{ kind: "nanos", stored: "bigint" }, -1n, "-1"],
  [{ kind: "float", stored: "double" }, Math.fround(0.1), "0.1", "7205759403792794*1.0/72057594037927936"],
  [{ kind: "float", stored: "double" }, 16_777_216, "16777216"],
  [{ kind: "float", stored: "double" }, 0.1, P],
  [{ kind: "float", stored: "double" }, -0, "-0e0", "0"],
  [{ kind: "float", stored: "double" }, Number.POSITIVE_INFINITY, P],
  [{ kind: "float", stored: "double" }, Number.NaN, P],
  [{ kind: "double" }, 0.1, "0.1", "7205759403792794*1.0/72057594037927936"],
  [{ kind: "double" }, 384.5, "384.5", "98432*1.0/256"],
  [{ kind: "double" }, -0, "-0e0", "0"],
  [{ kind: "double" }, 5e-324, "5e-324"],
  [{ kind: "double" }, 1.7976931348623157e308, "1.7976931348623157e+308"],
  [{ kind: "double" }, Number.NEGATIVE_INFINITY, P],
  [{ kind: "double" }, Number.NaN, P],
  [{ kind: "double" }, "1", P],
  [{ kind: "string" }, "", "''"],
  [{ kind: "string" }, "it's", "'it''s'"],
  [{ kind: "string" }, "\\", "_utf8mb4 x'5c'", "'\\'"],
  [{ kind: "string" }, "\\'", "_utf8mb4 x'5c27'", "'\\'''"],
  [{ kind: "string" }, "a\0b", "_utf8mb4 x'610062'", "CAST(x'610062' AS TEXT)"],
  [{ kind: "string" }, "\n", "_utf8mb4 x'0a'", "CAST(x'0a' AS TEXT)"],
  [{ kind: "string" }, "\u007f", "_utf8mb4 x'7f'", "CAST(x'7f' AS TEXT)"],
  [{ kind: "string" }, "\"double\" `back`", "'\"double\" `back`'"],
  [{ kind: "string" }, "😀 é", "'😀 é'"],
  [{ kind: "string" }, "\ud83d", P],
  [{ kind: "string" }, "a\ude00b😀", P],
  [{ kind: "string" }, 7, P],
  [{ kind: "string" }, undefined, P],
  [{ kind: "bytes" }, new Uint8Array(), "x''"],
  [{ kind: "bytes" }, Uint8Array.of(0, 39, 92, 255), "x'00275cff'"],
  [{ kind: "bytes" }, new Uint8Array([1, 2, 3, 4]).subarray(1, 3), "x'0203'"],
  [{ kind: "bytes" }, "x", P],
  [{ kind: "fixed", size: 2 }, Buffer.of(1, 2), "x'0102'"],
  [{ kind: "fixed", size: 2 }, Buffer.of(1), P],
  [{ kind: "enum", symbols: ["A", "B"], stored: "varchar" }, "B", "'B'"],
  [{ kind: "enum", symbols: ["A", "B"], stored: "varchar" }, "b", P],
  [{ kind: "enum", symbols: ["A", "B"], stored: "varchar" }, null, P],
  [{ kind: "uuid", stored: "char" }, "0F8FAD5B-D9CB-469F-A165-70867728950E", "'0f8fad5b-d9cb-469f-a165-70867728950e'"],
  [
    { kind: "uuid", stored: "char" },
    Buffer.from("0f8fad5bd9cb469fa16570867728950e", "hex"),
    "'0f8fad5b-d9cb-469f-a165-70867728950e'"
  ],
  [{ kind: "uuid", stored: "char" }, "0f8fad5bd9cb469fa16570867728950e", P],
  [{ kind: "uuid", stored: "char" }, "0f8fad5b-d9cb-469f-a165-70867728950e\n", P],
  [{ kind: "uuid", stored: "char" }, "{0f8fad5b-d9cb-469f-a165-70867728950e}", P],
  [{ kind: "uuid", stored: "char" }, Buffer.alloc(15), P],
  [decimal(4, 2), Buffer.of(0), "0.00", "'0.00'"],
  [decimal(4, 2), Buffer.of(0xff), "-0.01", "'-0.01'"],
  [decimal(4, 2), Buffer.of(0x80), "-1.28", "'-1.28'"],
  [decimal(4, 2), Buffer.of(0x7f), "1.27", "'1.27'"],
  [decimal(4, 2), Buffer.of(0x27, 0x0f), "99.99", "'99.99'"],
  [decimal(4, 2), Buffer.of(0x27, 0x10), P],
  [decimal(4, 2), Buffer.of(0xd8, 0xf1), "-99.99", "'-99.99'"],
  [decimal(4, 2), Buffer.of(0xd8, 0xf0), P],
  [decimal(4, 2), Buffer.of(0, 0, 0, 0, 0, 0, 0, 0, 0x7f), "1.27", "'1.27'"],
  [decimal(4, 2), Buffer.alloc(9, 0xff), "-0.01", "'-0.01'"],
  [decimal(4, 4), Buffer.of(5), "0.0005", "'0.0005'"],
  [decimal(4, 0), Buffer.of(5), "5", "'5'"],
  [decimal(65, 0), Buffer.alloc(65), P],
  [decimal(4, 2), Buffer.of(), P],
  [decimal(4, 2), 1, P],
  [{ kind: "date" }, 0, "'1970-01-01'"],
  [{ kind: "date" }, -1, "'1969-12-31'"],
  [{ kind: "date" }, 11_016, "'2000-02-29'"],
  [{ kind: "date" }, -719_528, "'0000-01-01'"],
  [{ kind: "date" }, -719_529, P],
  [{ kind: "date" }, -719_470, "'0000-02-28'"],
  [{ kind: "date" }, -719_469, P],
  [{ kind: "date" }, -719_468, "'0000-03-01'"],
  [{ kind: "date" }, 2_932_896, "'9999-12-31'"],
  [{ kind: "date" }, 2_932_897, P],
  [{ kind: "date" }, 0n, P],
  [{ kind: "time", unit: "millis" }, 0, "'00:00:00.000'"],
  [{ kind: "time", unit: "millis" }, 86_399_999, "'23:59:59.999'"],
  [{ kind: "time", unit: "millis" }, 86_400_000, P],
  [{ kind: "time", unit: "millis" }, -1, P],
  [{ kind: "time", unit: "micros" }, 86_399_999_999n, "'23:59:59.999999'"],
  [{ kind: "time", unit: "micros" }, 1n, "'00:00:00.000001'"],
  [{ kind: "time", unit: "micros" }, 86_400_000_000n, P],
  [{ kind: "time", unit: "micros" }, -1n, P],
  [{ kind: "time", unit: "micros" }, "1", P],
  [timestamp, 0n, "'1970-01-01 00:00:00.000000'"],
  [timestamp, -1n, "'1969-12-31 23:59:59.999999'"],
  [timestamp, 1_774_747_800_123_456n, "'2026-03-29 01:30:00.123456'"],
  [timestamp, micros("9999-12-31T23:59:59") + 999_999n, "'9999-12-31 23:59:59.999999'"],
  [timestamp, micros("9999-12-31T23:59:59") + 1_000_000n, P],
  [timestamp, micros("0000-01-01T00:00:00"), "'0000-01-01 00:00:00.000000'"],
  [timestamp, micros("0000-01-01T00:00:00") - 1n, P],
  [timestamp, micros("0000-02-29T12:00:00"), P],
  [timestamp, micros("0001-01-01T00:00:00") + 1n, "'0001-01-01 00:00:00.000001'"],
  [timestamp, 9_223_372_036_854_775_807n, P],
  [timestamp, -9_223_372_036_854_775_808n, P],
  [timestamp, 0, P],
  [timestampMillis, -1n, "'1969-12-31 23:59:59.999'"],
  [timestampMillis, 1_774_747_800_123n, "'2026-03-29 01:30:00.123'"],
  [timestampMillis, 253_402_300_799_999n, "'9999-12-31 23:59:59.999'"],
  [timestampMillis, 253_402_300_800_000n, P],
  [{ kind: "null" }, 0, P]
]

const shown = (value: unknown): string =>
  value instanceof Uint8Array ? `0x${Buffer.from(value).toString("hex")}` : Object.is(value, -0) ? "-0" : String(value)

describe("each value has one literal, or a reason why not", () => {
  for (const [type, value, inMysql, inSqlite] of table) {
    it(`${type.kind} ${JSON.stringify(shown(value))} → ${inMysql}`, () => {
      const written = [write(mysql, type, value), write(sqlite, type, value)]
      if (inMysql === P) {
        assert.match(written[0] ?? "", /^poison: f: /)
        assert.strictEqual(written[1], written[0], "both dialects refuse with the same reason")
      } else if (inSqlite === undefined && type.kind === "double" && !Number.isSafeInteger(value)) {
        assert.strictEqual(written[0], inMysql)
      } else {
        assert.deepStrictEqual(written, [inMysql, inSqlite ?? inMysql])
      }
    })
  }

  it("null is NULL where the column may be, else poison", () => {
    for (const dialect of [mysql, sqlite]) {
      assert.strictEqual(write(dialect, { kind: "int" }, null, true), "NULL")
      assert.strictEqual(write(dialect, { kind: "null" }, null, true), "NULL")
      assert.match(write(dialect, { kind: "int" }, null), /^poison: f: null/)
    }
  })

  it("a reason never quotes the value", () => {
    const secret = "4111111111111111"
    assert.notInclude(write(mysql, { kind: "uuid", stored: "char" }, secret), secret)
    assert.notInclude(write(mysql, { kind: "enum", symbols: ["A"], stored: "varchar" }, secret), secret)
    assert.notInclude(write(mysql, { kind: "int" }, Number(secret)), secret)
  })
})

describe("no value can end its literal", () => {
  it("in any sql_mode a string reads back as itself and nothing is left over", () => {
    fc.assert(
      fc.property(texts, (value) => {
        const literal = write(mysql, { kind: "string" }, value)
        for (const mode of modes) {
          assert.deepStrictEqual(readLiteral(`${literal}, 1`, 0, mode), {
            read: { kind: "string", text: value },
            end: literal.length
          })
        }
      }),
      { numRuns: 2000 }
    )
  })

  it("a UTF-16 text is either poison or reads back as itself", () => {
    fc.assert(
      fc.property(fc.string16bits(), (value) => {
        const literal = write(mysql, { kind: "string" }, value)
        const encodable = Buffer.from(value, "utf8").toString("utf8") === value
        assert.strictEqual(literal.startsWith(P), !encodable)
        if (encodable) {
          for (const mode of modes) assert.strictEqual(readLiteral(literal, 0, mode)?.end, literal.length)
        }
      }),
      { numRuns: 2000 }
    )
  })

  it("the reader itself sees a literal that ends early", () => {
    const careless = `'${"\\'; DROP TABLE t; --".replaceAll("'", "''")}'`
    const ends = modes.map((mode) => readLiteral(careless, 0, mode)?.end === careless.length)
    assert.include(ends, false)
    assert.include(ends, true)
  })
})

describe("numbers and days", () => {
  it("a float32 is written as a decimal that reads back as the same float32, and no shorter one of up to 9 digits does", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const short = shortestFloat(value)
        assert.isTrue(Object.is(Math.fround(short), value))
        const digits = short.toExponential().replace(/e.*/, "").replace(/[-.]/g, "").length
        if (digits > 1) assert.notStrictEqual(Math.fround(Number(value.toPrecision(digits - 1))), value)
      }),
      { numRuns: 5000 }
    )
  })

  it("every day of the first 400 years, and every eleventh after, agrees with JavaScript's calendar, but 0000-02-29", () => {
    const [first, cycle, last] = [-719_528, 146_097, 2_932_896]
    const different: Array<number> = []
    for (let day = first; day <= last; day += day < first + cycle ? 1 : 11) {
      if (dayText(day) !== new Date(day * 86_400_000).toISOString().slice(0, 10)) different.push(day)
    }
    assert.deepStrictEqual(different, [-719_469])
  })

  it("a writer's memory of the last day does not change what it writes", () => {
    const days = fc.array(
      fc.bigInt({ min: -3n, max: 3n }).chain((day) =>
        fc.bigInt({ min: 0n, max: 86_399_999n }).map((ms) => day * 86_400_000n + ms)
      )
    )
    fc.assert(fc.property(days, (values) => {
      const remembering = mysql.literal({
        from: "value",
        path: ["f"],
        name: "f",
        type: timestampMillis,
        nullable: false
      })
      for (const value of values) {
        assert.strictEqual(Either.getOrThrow(remembering(value)), write(mysql, timestampMillis, value))
      }
    }))
  })
})
