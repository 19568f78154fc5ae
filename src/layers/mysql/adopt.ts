import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { DestinationRefused } from "../Destination.js"
import { type CatalogTable, columnNamed } from "./catalog.js"
import type { Lane } from "./Lane.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import {
  alterOwnTable,
  createOwnTable,
  foreignKeyName,
  hasOwnKey,
  kafkaOffsets,
  lackingKey,
  type OwnTable,
  ownTable,
  uniqueKey
} from "./ownTables.js"
import { rowsOf, runFresh } from "./session.js"

const refused = (what: string, cure: string): DestinationRefused =>
  new DestinationRefused({ what, cure, kind: "configuration" })

/** Columns without which a table of this name is somebody else's. */
const essential = ["topic", "partition", "consumer_group", "offset"]

/**
 * A letter and a source are found again by their unique key: without it each try would add one more, and by another
 * unique index a letter would be written over another record's. `kafka_offsets` may keep an index of its adopter's.
 */
const wrongIndex = (table: OwnTable, found: CatalogTable): DestinationRefused | undefined => {
  if (table.uniqueKeys.length === 0) return undefined
  const lacking = lackingKey(table, found)
  if (lacking !== undefined) {
    return refused(
      `table ${table.name} has no unique key on (${lacking.columns.join(", ")})`,
      `ALTER TABLE ${table.name} ADD ${uniqueKey(lacking)}; after removing what is there twice`
    )
  }
  const foreign = foreignKeyName(table, found)
  return foreign === undefined ? undefined : refused(
    `table ${table.name} has unique index ${foreign}, which is not Tributary's: different records would meet in it`,
    `ALTER TABLE ${table.name} DROP INDEX \`${foreign}\`;`
  )
}

/** What no ALTER of ours may change: another engine, another table, another key, columns that our INSERT leaves out. */
const obstacle = (table: OwnTable, found: CatalogTable): DestinationRefused | undefined => {
  if (found.type !== "BASE TABLE") {
    return refused(`${table.name} is a ${found.type.toLowerCase()}`, "rename it: Tributary needs a table of this name")
  }
  if (found.engine?.toLowerCase() !== "innodb") {
    return refused(
      `table ${table.name} has engine ${found.engine ?? "none"}, which has no transactions`,
      `ALTER TABLE ${table.name} ENGINE=InnoDB;`
    )
  }
  const names = table.name === kafkaOffsets.name ? essential : table.columns.map(({ name }) => name)
  const lacking = names.filter((name) => columnNamed(found, name) === undefined)
  if (lacking.length > 0) {
    return refused(
      `table ${table.name} is not Tributary's: it has no column ${lacking.join(", ")}`,
      "rename it, or give Tributary a database of its own"
    )
  }
  if (found.primaryKey.length > 0 && !hasOwnKey(table, found)) {
    const [own, other] = [table.primaryKey, found.primaryKey].map((key) => key.map((name) => `\`${name}\``).join(", "))
    return refused(
      `table ${table.name} has primary key (${other}) instead of (${own})`,
      `ALTER TABLE ${table.name} DROP PRIMARY KEY, ADD PRIMARY KEY (${own}), ADD UNIQUE KEY (${other});`
    )
  }
  const index = wrongIndex(table, found)
  if (index !== undefined) return index
  const foreign = found.columns.find((column) =>
    !column.nullable && !column.hasDefault && !/auto_increment|generated/u.test(column.extra)
    && !table.columns.some(({ name }) => name === column.name.toLowerCase())
  )
  if (foreign !== undefined) {
    return refused(
      `column ${foreign.name} of ${table.name} is NOT NULL without a default, and Tributary does not know it`,
      `ALTER TABLE ${table.name} MODIFY COLUMN \`${foreign.name}\` ${foreign.columnType} NULL;`
    )
  }
  return undefined
}

const decodeCounts = rowsOf(Schema.Struct({ nulls: Schema.Number, negatives: Schema.Number, total: Schema.Number }))
const decodeTwins = rowsOf(Schema.Struct({ topic: Schema.String, partition: Schema.Number, consumer: Schema.String }))

/** Rows that mean nothing, or of which nobody can tell which one counts, stop the start (protocol section 1). */
const ambiguousRow = (lane: Lane): Effect.Effect<DestinationRefused | undefined, MysqlFailure> =>
  Effect.gen(function*() {
    const [counts, twins] = yield* runFresh(lane, [
      "SELECT COUNT(IF(topic IS NULL OR `partition` IS NULL OR consumer_group IS NULL OR `offset` IS NULL, 1, NULL))"
      + " AS nulls, COUNT(IF(`offset` < 0, 1, NULL)) AS negatives, COUNT(*) AS total FROM kafka_offsets",
      "SELECT LOWER(topic) AS topic, `partition`, LOWER(consumer_group) AS consumer FROM kafka_offsets"
      + " WHERE topic IS NOT NULL AND `partition` IS NOT NULL AND consumer_group IS NOT NULL"
      + " GROUP BY LOWER(topic), `partition`, LOWER(consumer_group) HAVING COUNT(*) > 1 LIMIT 1"
    ])
    const [count] = yield* decodeCounts(counts)
    if (count !== undefined && count.nulls > 0) {
      return refused(
        `${count.nulls} rows of kafka_offsets hold a NULL, which says nothing about where to go on`,
        "DELETE FROM kafka_offsets WHERE topic IS NULL OR `partition` IS NULL OR consumer_group IS NULL OR `offset` IS NULL; or put in what they should say"
      )
    }
    if (count !== undefined && count.negatives > 0) {
      return refused(
        `${count.negatives} rows of kafka_offsets hold a negative offset`,
        "DELETE FROM kafka_offsets WHERE `offset` < 0; or put in the next offset to consume"
      )
    }
    const [twin] = yield* decodeTwins(twins)
    if (twin !== undefined) {
      return refused(
        `kafka_offsets holds several rows of topic ${twin.topic}, partition ${twin.partition}, group ${twin.consumer} `
          + "that differ at most by case: which one counts cannot be told",
        "delete the wrong ones"
      )
    }
    return undefined
  })

/** The statement that a table of Tributary's own still needs; undefined: none. */
export const decideOwnTable = (lane: Lane, dialect: Dialect, own: OwnTable) => (found: CatalogTable | undefined) =>
  Effect.gen(function*() {
    const table = ownTable(dialect, own)
    if (found === undefined) return createOwnTable(table)
    const reason = obstacle(table, found)
    if (reason !== undefined) return yield* reason
    const statement = alterOwnTable(table, found)
    if (statement !== undefined && table.name === kafkaOffsets.name) {
      const ambiguous = yield* ambiguousRow(lane)
      if (ambiguous !== undefined) return yield* ambiguous
    }
    return statement
  })

/** True of a `kafka_offsets` that another program has made and written. */
export const isForeign = (found: CatalogTable | undefined): boolean =>
  found !== undefined && columnNamed(found, "generation") === undefined
