import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { KafkaRecord } from "../KafkaRecord.js"
import type { Change } from "./changes.js"
import type { Dialect, LiteralWriter, Poison } from "./Dialect.js"
import { type Digest, hashed } from "./masking.js"
import { metadataCell } from "./metadata.js"
import { foldedName, type RowShape } from "./Row.js"
import { type Column, keyColumnNames, type TablePlan } from "./TablePlan.js"

/** A record, decoded, and where it is from. */
export interface DecodedRecord {
  readonly record: KafkaRecord
  /** Undefined where the key's format has not been asked for. */
  readonly key: unknown
  /** Never null as a whole for `write`, unless the schema says so: a record without a value is not decoded. */
  readonly value: unknown
  readonly sourceId: number
  readonly partition: number
}

/** Turns decoded records of one schema into changes of one table. */
export interface RowEncoder {
  readonly write: (decoded: DecodedRecord) => Either.Either<Change, Poison>
}

/** Turns records without a value into deletions of the row that their key names. */
export interface DeleteEncoder {
  readonly remove: (decoded: DecodedRecord) => Either.Either<Change, Poison>
}

/** What the table is, beyond the plan. */
export interface TableShape {
  /** Whether it has Tributary's key columns (tables made by others may not). */
  readonly keyColumns: boolean
  /** The plan's columns that it lacks. */
  readonly ignored: ReadonlySet<string>
}

const notRecord: Either.Either<never, Poison> = Either.left({ column: "", reason: "not a record" })
const noFields: Fields = {}
const NULL: Either.Either<string> = Either.right("NULL")

/** The fields of a value, where it is a record: looked at once per record, not once per column. */
type Fields = Readonly<Record<string, unknown>>

/** Writes one column of a record. */
type Cell = (fields: Fields, decoded: DecodedRecord) => Either.Either<string, Poison>

/** Where a record on the way is null, so is the column. */
const nestedCell = (from: Column["from"], path: ReadonlyArray<string>, write: LiteralWriter): Cell => (_, decoded) => {
  let value = decoded[from]
  for (const field of path) {
    if (value === null) break
    if (!Predicate.isRecord(value)) return notRecord
    value = value[field]
  }
  return write(value)
}

const cellOf = ({ from, path }: Column, write: LiteralWriter): Cell => {
  const [field, ...inner] = path
  if (field === undefined) return (_, decoded) => write(decoded[from])
  // A record may come without a key; its value is never null where the schema says that it is a record.
  return from === "key" || inner.length > 0 ? nestedCell(from, path, write) : (fields) => write(fields[field])
}

const makeCell = (dialect: Dialect, column: Column, digest: Digest): Cell => {
  if (column.redacted === true) return () => NULL
  const write = dialect.literal(column)
  return cellOf(column, column.type.kind === "hash" ? hashed(column, write, digest) : write)
}

interface Compiled {
  readonly shape: RowShape
  readonly cells: ReadonlyArray<Cell>
}

const compile = (dialect: Dialect, plan: TablePlan, { ignored, keyColumns }: TableShape, digest: Digest): Compiled => {
  const keyNames = plan.key.map(foldedName)
  const keys = keyNames.flatMap((key) => plan.columns.filter(({ name }) => foldedName(name) === key))
  const others = plan.columns.filter(({ name }) => !keyNames.includes(foldedName(name)) && !ignored.has(name))
  const metadata = plan.metadata.filter((name) => !ignored.has(name))
  return {
    shape: {
      table: plan.table,
      columns: [...[...keys, ...others].map(({ name }) => name), ...metadata, ...(keyColumns ? keyColumnNames : [])],
      keyLength: keys.length
    },
    cells: [
      ...[...keys, ...others].map((column) => makeCell(dialect, column, digest)),
      ...metadata.map((name): Cell => {
        const write = metadataCell(dialect, name, plan.schemaId)
        return (_, { record }) => write(record)
      })
    ]
  }
}

/**
 * Compiled once per schema id, table and mode; `write` then runs per record, so it is a loop over prepared closures and
 * nothing else.
 */
export const makeRowEncoder = (dialect: Dialect, plan: TablePlan, table: TableShape, digest: Digest): RowEncoder => {
  const { cells, shape } = compile(dialect, plan, table, digest)
  // Without columns it still has to be what its schema says.
  const needsRecord = plan.columns.length === 0 ||
    plan.columns.some(({ from, path }) => from === "value" && path.length > 0)
  return {
    write: (decoded) => {
      const fields = Predicate.isRecord(decoded.value) ? decoded.value : noFields
      if (needsRecord && fields === noFields) return notRecord
      const literals: Array<string> = []
      for (const cell of cells) {
        const literal = cell(fields, decoded)
        if (Either.isLeft(literal)) return Either.left(literal.left)
        literals.push(literal.right)
      }
      if (table.keyColumns) {
        literals.push(String(decoded.sourceId), String(decoded.partition), String(decoded.record.offset))
      }
      return Either.right({ _tag: "Write", shape, cells: literals })
    }
  }
}

/** `plan` is what `planDelete` makes: the key's columns alone. */
export const makeDeleteEncoder = (dialect: Dialect, plan: TablePlan, digest: Digest): DeleteEncoder => {
  const { cells, shape } = compile(dialect, plan, { keyColumns: false, ignored: new Set() }, digest)
  return {
    remove: (decoded) =>
      Either.map(
        Either.all(cells.map((cell) => cell(noFields, decoded))),
        (literals): Change => ({ _tag: "Delete", shape, cells: literals })
      )
  }
}
