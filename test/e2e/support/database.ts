import { Schema } from "effect"
import type { Connection } from "mysql2/promise"

/** A connection, or a pool of them. */
export type Asked = Pick<Connection, "query">

/** Rows of a query, checked. */
export const rowsOf = async <A, I>(
  sql: Asked,
  schema: Schema.Schema<A, I>,
  query: string
): Promise<ReadonlyArray<A>> => {
  const [rows] = await sql.query(query)
  return Schema.decodeUnknownSync(Schema.Array(schema))(rows)
}

const isMissingTable = (error: unknown): boolean => error instanceof Error && "errno" in error && error.errno === 1146

/** As `rowsOf`, and no rows while the table is not there yet. */
const rowsOrNone = async <A, I>(sql: Asked, schema: Schema.Schema<A, I>, query: string) => {
  try {
    return await rowsOf(sql, schema, query)
  } catch (error) {
    if (isMissingTable(error)) return []
    throw error
  }
}

const Stored = Schema.Struct({ partition: Schema.Number, offset: Schema.BigInt })

/** `kafka_offsets` of a topic's default group, by partition; empty while the table is not there. */
export const storedOffsets = async (sql: Asked, topic: string): Promise<ReadonlyMap<number, bigint>> => {
  const rows = await rowsOrNone(
    sql,
    Stored,
    `SELECT \`partition\`, CAST(\`offset\` AS CHAR) AS \`offset\` FROM kafka_offsets
     WHERE topic = '${topic}' AND consumer_group = 'group-${topic}'`
  )
  return new Map(rows.map(({ offset, partition }) => [partition, offset]))
}

const Sum = Schema.Struct({ n: Schema.NumberFromString })

/** Sum of all stored offsets: how far all of it has come. */
export const progress = async (sql: Asked): Promise<number> => {
  const [sum] = await rowsOrNone(sql, Sum, "SELECT CAST(COALESCE(SUM(`offset`), 0) AS CHAR) AS n FROM kafka_offsets")
  return sum?.n ?? 0
}

/** Zero while the table is not there. */
export const countRows = async (sql: Asked, table: string): Promise<number> => {
  const [count] = await rowsOrNone(sql, Sum, `SELECT CAST(COUNT(*) AS CHAR) AS n FROM \`${table}\``)
  return count?.n ?? 0
}
