import { Either } from "effect"
import { createConnection } from "mysql2/promise"
import { assert } from "vitest"
import { makeChangeBatch } from "../../src/domain/sql/changes.js"
import type { Dialect } from "../../src/domain/sql/Dialect.js"
import type { Column } from "../../src/domain/sql/TablePlan.js"
import { type AvroCodec, compile } from "../../src/layers/avro/AvroCodec.js"
import { expectedRow, type RandomRecords } from "./avroFields.js"
import { expectedFor } from "./avroValues.js"
import { comparable } from "./jsonDocuments.js"
import { insertEncoder, plannedBy } from "./rows.js"

// What a producer encoded is what a SELECT answers, to the last digit: encode, decode, write as SQL, read back with a
// driver, compare with text that was made from the value without any of the code under test.

export interface Batch {
  readonly schemaText: string
  readonly values: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly expected: ReadonlyArray<Answer>
}
type Answer = ReadonlyArray<string | null>

/** One database, as far as this test needs it. */
export interface Database {
  readonly dialect: Dialect
  readonly run: (sql: string) => Promise<void>
  /** Rows as text: bytes in hexadecimal, numbers as JavaScript shows them. */
  readonly select: (sql: string) => Promise<ReadonlyArray<Answer>>
}

const numberText = (value: number): string => Object.is(value, -0) ? "-0" : String(value)
export const textOf = (value: unknown): string | null => {
  if (value === null) return null
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("hex")
  if (Buffer.isBuffer(value)) return value.toString("hex")
  if (typeof value === "number") return numberText(value)
  return typeof value === "string" || typeof value === "bigint" ? String(value) : "an answer of no known type"
}

export const codecOf = (schemaText: string): AvroCodec => Either.getOrThrow(compile(schemaText))

/** Of fields that each have a column of their own, and no parts. */
export const expectedRows = (codec: AvroCodec, values: Batch["values"]): ReadonlyArray<Answer> => {
  const { schema } = codec
  if (schema.type !== "record") return []
  const fields = schema.fields.map(({ name, schema: type }) => ({ name, expected: expectedFor(type) }))
  return values.map((value) => fields.map(({ expected, name }) => value[name] === null ? null : expected(value[name])))
}

/** Around what drivers lose: zeros at the end of a TIME (mysql2), text behind a NUL (libsql; read as bytes). */
const asAnswer = (dialect: Dialect, column: Column): string => {
  const name = dialect.identifier(column.name)
  if (dialect.name === "sqlite") return dialect.columnType(column) === "TEXT" ? `CAST(${name} AS BLOB)` : name
  return ["date", "time", "timestamp", "local-timestamp", "json"].includes(column.type.kind)
    ? `CAST(${name} AS CHAR)`
    : name
}
const bytesAsText = (dialect: Dialect, column: Column, answer: string | null): string | null =>
  dialect.name === "sqlite" && dialect.columnType(column) === "TEXT" && answer !== null
    ? Buffer.from(answer, "hex").toString("utf8")
    : answer

let tables = 0

/** Through the whole chain and back. */
const storedRows = async (
  database: Database,
  codec: AvroCodec,
  values: Batch["values"]
): Promise<ReadonlyArray<Answer>> => {
  const { dialect } = database
  const table = `t${tables += 1}`
  const plan = Either.getOrThrow(plannedBy(codec.schema, table))
  const encoder = insertEncoder(dialect, plan)
  const changes = makeChangeBatch(dialect, 4096)
  values.forEach((value, index) => {
    const decoded = Either.getOrThrow(codec.decode(codec.encode(value), 0))
    changes.add(Either.getOrThrow(encoder.change(decoded, 1, 2, BigInt(index))))
  })
  await database.run(dialect.createTable(plan))
  for (const statement of changes.take()) await database.run(statement)
  const names = plan.columns.map((column) => asAnswer(dialect, column)).join(", ")
  const rows = await database.select(`SELECT ${names} FROM ${table} ORDER BY ${dialect.identifier("_offset")}`)
  await database.run(`DROP TABLE ${table}`)
  return rows.map((row) => plan.columns.map((column, index) => bytesAsText(dialect, column, row[index] ?? null)))
}

export const comesBack = async (database: Database, batch: Batch): Promise<void> => {
  const codec = codecOf(batch.schemaText)
  // SQLite stores a REAL without a fraction as an integer, which has no negative zero; MariaDB's DOUBLE has none either.
  const known = (answer: string | null): string | null =>
    database.dialect.name !== "mysql" && answer === "-0" ? "0" : answer
  const expected = batch.expected.map((row) => row.map(known))
  const stored = await storedRows(database, codec, batch.values)
  // Value by value: a difference of whole batches is slow to show, and too long to read.
  assert.lengthOf(stored, expected.length)
  expected.forEach((row, index) =>
    row.forEach((answer, column) =>
      assert.strictEqual(
        comparable(stored[index]?.[column] ?? null, answer),
        answer,
        `row ${index}, column ${column} of ${batch.schemaText}`
      )
    )
  )
}

export const asBatch = (random: RandomRecords): Batch => ({
  schemaText: random.schemaText,
  values: random.values,
  expected: random.values.map((value) => expectedRow(random, value))
})

/** A database of its own on a server that speaks MySQL's protocol, dropped by `close`. */
export const connectDatabase = async (address: string, dialect: Dialect, name: string) => {
  const connection = await createConnection({
    uri: address,
    charset: "utf8mb4",
    supportBigNumbers: true,
    bigNumberStrings: true
  })
  await connection.query(`CREATE DATABASE ${name}`)
  await connection.query(`USE ${name}`)
  const database: Database = {
    dialect,
    run: async (sql) => {
      await connection.query(sql)
      // A warning may mean that a value was changed. (DROP and CREATE have none here either.)
      const [warnings] = await connection.query("SHOW WARNINGS")
      assert.deepStrictEqual<unknown>(warnings, [])
    },
    // Prepared, because the driver's parser of DOUBLE in text answers is off in the last digit.
    select: async (sql) => {
      const [rows] = await connection.execute({ sql, rowsAsArray: true })
      return Array.isArray(rows) ? rows.map((row) => Array.isArray(row) ? row.map(textOf) : []) : []
    }
  }
  const close = async (): Promise<void> => {
    await connection.query(`DROP DATABASE ${name}`)
    await connection.end()
  }
  return { connection, database, close }
}
