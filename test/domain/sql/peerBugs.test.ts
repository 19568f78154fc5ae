import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { settingsOf } from "../../../src/domain/Config.js"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { makeChangeBatch } from "../../../src/domain/sql/changes.js"
import { refusalOf } from "../../../src/domain/sql/evolution/Evolution.js"
import { evolve } from "../../../src/domain/sql/evolution/evolve.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { planTable } from "../../../src/domain/sql/plan/planTable.js"
import type { RowShape } from "../../../src/domain/sql/Row.js"
import { tableFor } from "../../../src/domain/tableName.js"
import { defaultTopicSettings, type EvolutionPolicy, type TopicSettings } from "../../../src/domain/TopicSettings.js"
import { catalogColumn, catalogTable } from "../../support/catalogTables.js"
import { testConfig } from "../../support/pipeline.js"

// What other sinks get wrong before a database is asked, each as a test that is named after it; docs/comparison.md has a
// line for each.

type Field = readonly [name: string, type: unknown, preset?: unknown]

const planned = (fields: ReadonlyArray<Field>, settings: Partial<TopicSettings> = {}) => {
  const schema = {
    type: "record",
    name: "R",
    fields: fields.map(([name, type, preset]) => ({ name, type, ...(preset === undefined ? {} : { default: preset }) }))
  }
  return planTable({
    topic: "t",
    schemaId: 1,
    table: "t",
    schema: Either.getOrThrow(parseSchema(JSON.stringify(schema))),
    settings: { ...defaultTopicSettings, ...settings }
  })
}

/** What a schema of these fields makes of a table with the column `c`. */
const changed = (
  columnType: string,
  fields: ReadonlyArray<Field>,
  mode: EvolutionPolicy["mode"],
  settings: Partial<TopicSettings> = {}
) => {
  const table = catalogTable([catalogColumn("c", columnType, { nullable: false })])
  return evolve(mysql, Either.getOrThrow(planned(fields, settings)), table, { mode, allowCopy: true })
}

const upsertBy = (...keyFields: ReadonlyArray<string>): Partial<TopicSettings> => ({
  insertMode: "upsert",
  keyMode: "record_value",
  keyFields
})

const keyedShape: RowShape = { table: "t", columns: ["k", "v"], keyLength: 1 }
const write = (key: number, table = "t") => ({
  _tag: "Write" as const,
  shape: table === "t" ? keyedShape : { ...keyedShape, table },
  cells: [String(key), "1"]
})
const remove = (key: number) => ({
  _tag: "Delete" as const,
  shape: { ...keyedShape, columns: ["k"] },
  cells: [String(key)]
})
const statementsOf = (changes: ReadonlyArray<ReturnType<typeof write> | ReturnType<typeof remove>>) => {
  const batch = makeChangeBatch(mysql, 1 << 20)
  for (const change of changes) batch.add(change)
  return batch.take()
}

describe("bugs of other sinks, in plans and statements", () => {
  it("Column types that nobody checks: one that does not hold every value is refused with its ALTER", () => {
    for (const mode of ["none", "additive", "widen"] as const) {
      const { refused, steps } = changed("int", [["c", "string"]], mode)
      assert.lengthOf(steps, 0)
      assert.match(refusalOf(refused).what, /column c is int, which does not hold every value of LONGTEXT/u)
      assert.match(refusalOf(refused).cure, /ALTER TABLE `t` MODIFY COLUMN `c` LONGTEXT/u)
    }
  })

  it("Narrower columns that cut or round: refused, also where MySQL would take the value", () => {
    const decimal = { type: "bytes", logicalType: "decimal", precision: 9, scale: 3 }
    const micros = { type: "long", logicalType: "timestamp-micros" }
    for (
      const [columnType, type] of [["decimal(9,2)", decimal], ["datetime(3)", micros], ["float", "double"]] as const
    ) {
      assert.lengthOf(changed(columnType, [["c", type]], "additive").refused, 1, columnType)
    }
  })

  it("Evolution that only adds columns: safe widening is possible where it is asked for", () => {
    assert.deepStrictEqual(changed("int", [["c", "long"]], "widen").steps.map(({ sql }) => sql), [
      "ALTER TABLE `t` MODIFY COLUMN `c` BIGINT NOT NULL, ALGORITHM=COPY"
    ])
    const { refused, steps } = changed("int", [["c", "long"]], "additive")
    assert.deepStrictEqual([steps.length, refused[0]?.allow], [0, "schema.evolution=widen"])
  })

  it("A key that the table lacks: refused with the statements that add it", () => {
    const { refused, steps } = changed("int", [["c", "int"], ["id", "long"]], "widen", upsertBy("id"))
    assert.lengthOf(steps, 0)
    const { cure } = refusalOf(refused)
    assert.include(cure, "ALTER TABLE `t` ADD COLUMN `id` BIGINT")
    assert.include(cure, "ALTER TABLE `t` ADD UNIQUE INDEX (`id`);")
  })

  it("A key field that the schema lacks: a set-up error that names it, before the first record", () => {
    const problems = Either.getLeft(planned([["c", "int"]], upsertBy("id")))
    assert.match(JSON.stringify(problems), /\bid\b/u)
  })

  it("DEFAULT in place of NOT NULL: a required field with a default has both", () => {
    const plan = Either.getOrThrow(planned([["c", "int", 3]]))
    assert.match(mysql.createTable(plan), /`c` INT NOT NULL DEFAULT 3/u)
  })

  it("Columns found without their case: two fields that differ by case only are refused", () => {
    assert.isTrue(Either.isLeft(planned([["id", "int"], ["ID", "int"]])))
    const table = catalogTable([catalogColumn("ID", "int", { nullable: false })])
    const plan = Either.getOrThrow(planned([["id", "int"]]))
    const found = evolve(mysql, plan, table, { mode: "additive", allowCopy: false })
    assert.deepStrictEqual([found.steps, found.refused], [[], []])
  })

  it("A topic that the map leaves out: it has the table of table.name.format", () => {
    const config = testConfig({
      "kafka.topics": "orders,payments",
      "topic.to.table.map": "orders:all_orders",
      "table.name.format": "k_${topic}"
    })
    const tableOf = (topic: string) => tableFor(settingsOf(config, topic), topic, "R")
    assert.deepStrictEqual([tableOf("orders"), tableOf("payments")], ["all_orders", "k_payments"])
  })

  it("Deadlocks between tasks: the rows of a statement come by key and the statements by table, whatever came first", () => {
    const forth = [write(1, "b"), write(3), write(1), write(2)]
    assert.deepStrictEqual(statementsOf(forth), statementsOf(forth.toReversed()))
    assert.match(statementsOf(forth).join("; "), /`b` .*; .*`t` .*\(1,1\),\(2,1\),\(3,1\)/u)
  })

  it("Changes between rows and deletions that split batches: two statements, however they alternate", () => {
    const changes = Array.from({ length: 10 }, (_, key) => key % 2 === 0 ? write(key) : remove(key))
    assert.deepStrictEqual(statementsOf(changes).map((statement) => statement.slice(0, 6)), ["DELETE", "INSERT"])
  })

  it("VALUES() in upserts: the new row has a name, and a warning of the server would fail the transaction", () => {
    const [statement = ""] = statementsOf([write(1)])
    assert.match(statement, / AS `?new`? ON DUPLICATE KEY UPDATE `v` = `?new`?\.`v`$/u)
    assert.notInclude(statement, "VALUES(")
  })
})
