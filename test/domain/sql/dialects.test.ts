import { assert, describe, it } from "@effect/vitest"
import type { Column, TablePlan } from "../../../src/domain/sql/TablePlan.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"

const column = (name: string, rest: Partial<Column> = {}): Column => ({
  from: "value",
  path: [name],
  name,
  type: { kind: "int" },
  nullable: false,
  ...rest
})
const plan: TablePlan = {
  key: [],
  metadata: [],
  notes: [],
  topic: "payments",
  schemaId: 7,
  table: "pay`ments\"",
  columns: [column("id"), column("memo", { type: { kind: "string" }, nullable: true, doc: "it's" })]
}
const commentOf = (doc: string): string =>
  mysql.createTable({ ...plan, columns: [column("id", { doc })] }).split("\n")[1] ?? ""

describe("MySQL", () => {
  it("creates the fields, then the invisible key", () => {
    assert.deepStrictEqual(mysql.createTable(plan).split("\n"), [
      "CREATE TABLE IF NOT EXISTS `pay``ments\"` (",
      "  `id` INT NOT NULL,",
      "  `memo` LONGTEXT NULL COMMENT 'it''s',",
      "  `_source` SMALLINT UNSIGNED NOT NULL INVISIBLE,",
      "  `_partition` INT NOT NULL INVISIBLE,",
      "  `_offset` BIGINT NOT NULL INVISIBLE,",
      "  PRIMARY KEY (`_source`, `_partition`, `_offset`)",
      ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC"
    ])
  })

  it("a comment ends in no sql_mode, has no character that MySQL's names cannot hold, and at most 1024", () => {
    assert.strictEqual(commentOf("\\' OR\n\0a=1 😀 é"), "  `id` INT NOT NULL COMMENT '⧵'' OR a=1 \ufffd é',")
    assert.strictEqual(commentOf("\\"), "  `id` INT NOT NULL COMMENT '⧵',")
    assert.strictEqual(commentOf("a".repeat(1024)), `  \`id\` INT NOT NULL COMMENT '${"a".repeat(1024)}',`)
    assert.strictEqual(commentOf("a".repeat(1025)), `  \`id\` INT NOT NULL COMMENT '${"a".repeat(1023)}…',`)
    assert.strictEqual(commentOf(""), "  `id` INT NOT NULL,")
  })
})

describe("SQLite", () => {
  it("creates the fields, then the key, strict and clustered by the key", () => {
    assert.deepStrictEqual(sqlite.createTable(plan).split("\n"), [
      "CREATE TABLE IF NOT EXISTS \"pay`ments\"\"\" (",
      "  \"id\" INTEGER NOT NULL,",
      "  \"memo\" TEXT,",
      "  \"_source\" INTEGER NOT NULL,",
      "  \"_partition\" INTEGER NOT NULL,",
      "  \"_offset\" INTEGER NOT NULL,",
      "  PRIMARY KEY (\"_source\", \"_partition\", \"_offset\")",
      ") STRICT, WITHOUT ROWID"
    ])
  })
})
