// Runs statements, one after the other on one connection, and prints results in the form of the mysql client, for machines
// without that client:
//
//   node scripts/mysql-box.mjs [--batch] STATEMENT…
//
// --batch: values alone, separated by tabs. The address comes from consumer.properties or the environment (config.mjs).
import { createConnection } from "mysql2/promise"
import { parseArgs } from "node:util"
import { database } from "./config.mjs"

const { positionals: statements, values: { batch } } = parseArgs({
  allowPositionals: true,
  options: { batch: { type: "boolean", default: false } }
})

const numeric = new Set([0, 1, 2, 3, 4, 5, 8, 9, 246]) // MySQL's numbers of the numeric types

/**
 * @param {ReadonlyArray<{ readonly name: string, readonly columnType?: number }>} fields
 * @param {ReadonlyArray<ReadonlyArray<string | null>>} rows
 */
const box = (fields, rows) => {
  const texts = rows.map((row) => row.map((cell) => cell ?? "NULL"))
  const widths = fields.map(({ name }, i) => Math.max(name.length, ...texts.map((row) => row[i].length)))
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`
  const line = (cells, right) =>
    `|${cells.map((cell, i) => ` ${right(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])} `).join("|")}|`
  const head = line(fields.map(({ name }) => name), () => false)
  const body = texts.map((row) => line(row, (i) => numeric.has(fields[i].columnType)))
  return [rule, head, rule, ...body, rule].join("\n")
}

const connection = await createConnection({
  ...database(),
  dateStrings: true,
  rowsAsArray: true,
  typeCast: (field) => field.string() // as the server writes it: a BIGINT is never rounded
})
try {
  for (const statement of statements) {
    const started = performance.now()
    const [rows, fields] = await connection.query(statement)
    const seconds = ((performance.now() - started) / 1000).toFixed(2)
    const count = Array.isArray(rows) ? rows.length : rows.affectedRows
    const counted = `${count} ${count === 1 ? "row" : "rows"}`
    if (!Array.isArray(rows)) {
      if (!batch) console.log(`Query OK, ${counted} affected (${seconds} sec)\n`)
    } else if (batch) {
      for (const row of rows) console.log(row.map((cell) => cell ?? "NULL").join("\t"))
    } else {
      console.log(
        count === 0 ? `Empty set (${seconds} sec)\n` : `${box(fields, rows)}\n${counted} in set (${seconds} sec)\n`
      )
    }
  }
} catch (error) {
  process.stderr.write(`ERROR ${error.errno ?? ""} (${error.sqlState ?? ""}): ${error.message}\n`)
  process.exitCode = 1
} finally {
  await connection.end()
}
