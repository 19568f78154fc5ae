import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { planDelete, planTable } from "../../domain/sql/plan/planTable.js"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { type DeleteEncoder, makeDeleteEncoder, makeRowEncoder, type RowEncoder } from "../../domain/sql/rowEncoder.js"
import type { SetupProblem } from "../../domain/sql/plan/SetupProblem.js"
import type { TablePlan } from "../../domain/sql/TablePlan.js"
import { tableFor } from "../../domain/tableName.js"
import type { TopicSettings } from "../../domain/TopicSettings.js"
import { Destination, type DestinationError } from "../../layers/Destination.js"
import { sha256 } from "../../layers/sha256.js"
import type { PartCodec } from "../decode/PartDecoder.js"
import { othersTurn } from "../othersTurn.js"
import { type Backoff, throughOutage } from "../outage.js"

/** The schema's table cannot be used: the record that names it stops its partition. */
export class TableUnusable extends Data.TaggedError("TableUnusable")<{
  readonly what: string
  readonly cure: string
}> {}

const planned = (problems: ReadonlyArray<SetupProblem>): TableUnusable =>
  new TableUnusable({
    what: problems.map((problem) => problem.message).join(" | "),
    cure: "until then this topic cannot be written to this table"
  })

export interface TableEncoders {
  /** Maps the schema to columns and makes the table ready. DDL runs here, never in a batch. */
  readonly rows: (value: PartCodec, key: PartCodec | undefined) => Effect.Effect<RowEncoder, TableUnusable>
  /** Undefined where there is no table. It is not made for a tombstone: the columns of the value are not known yet. */
  readonly deletes: (key: PartCodec) => Effect.Effect<DeleteEncoder | undefined, TableUnusable>
  readonly dialect: Effect.Effect<Dialect, TableUnusable>
}

const askOf = (backoff: Backoff) => <A>(what: string, effect: Effect.Effect<A, TableUnusable | DestinationError>) =>
  throughOutage(what, backoff, effect, ["DestinationUnavailable"]).pipe(
    Effect.catchTag("DestinationRefused", ({ cure, what: reason }) => new TableUnusable({ what: reason, cure }))
  )

/** Whatever the database is asked here waits for as long as the database is out. */
export const makeTableEncoders = (
  topic: string,
  settings: TopicSettings,
  backoff: Backoff
): Effect.Effect<TableEncoders, never, Destination> =>
  Effect.map(Destination, (destination) => {
    const ask = askOf(backoff)
    const said = new Set<string>()
    /** Once per table: what is left out of every record of a schema is no news a second time. */
    const sayIgnored = (table: string, ignored: ReadonlySet<string>) =>
      Effect.suspend(() => {
        const fresh = [...ignored].filter((name) => !said.has(`${table}\n${name}`))
        for (const name of fresh) said.add(`${table}\n${name}`)
        return fresh.length === 0 ? Effect.void : Effect.logWarning(
          `table ${table} has no column for ${fresh.join(", ")}: left out of every row [schema.evolution=none]`
        )
      })
    /** Once per schema: another one may lack other names. */
    const sayNotes = ({ notes, schemaId }: TablePlan) =>
      Effect.forEach(notes, (note) =>
        Effect.suspend(() => {
          const sentence = `topic ${topic}, schema id ${schemaId}: ${note}`
          if (said.has(sentence)) return Effect.void
          said.add(sentence)
          return Effect.logWarning(sentence)
        }), { discard: true })
    const rows: TableEncoders["rows"] = ({ schema, schemaId, schemaKey }, key) =>
      ask(
        `table for schema ${schemaKey} of topic ${topic}`,
        Effect.gen(function*() {
          yield* othersTurn
          const plan = yield* Effect.mapError(
            planTable({
              topic,
              schemaId: schemaId ?? 0,
              table: tableFor(settings, topic, schema.type === "record" ? schema.name : undefined),
              schema,
              settings,
              ...(key === undefined ? {} : { keySchema: key.schema })
            }),
            planned
          )
          const shape = yield* destination.ensureTable(plan, settings.evolution)
          yield* sayIgnored(plan.table, shape.ignored)
          yield* sayNotes(plan)
          yield* othersTurn
          return makeRowEncoder(yield* destination.dialect, plan, shape, sha256)
        })
      )
    const deletes: TableEncoders["deletes"] = ({ schema, schemaKey }) =>
      ask(
        `table for deletions by key schema ${schemaKey} of topic ${topic}`,
        Effect.gen(function*() {
          const table = tableFor(settings, topic, undefined)
          const plan = yield* Effect.mapError(planDelete({ topic, table, keySchema: schema, settings }), planned)
          if (!(yield* destination.deletable(plan))) return undefined
          return makeDeleteEncoder(yield* destination.dialect, plan, sha256)
        })
      )
    return { rows, deletes, dialect: ask("database", destination.dialect) }
  })
