import { assert, describe, it } from "@effect/vitest"
import type { CatalogColumn, CatalogTable } from "../../../src/domain/sql/CatalogTable.js"
import { refusalOf } from "../../../src/domain/sql/evolution/Evolution.js"
import { evolve, rebuildBytesMax } from "../../../src/domain/sql/evolution/evolve.js"
import { notesOn } from "../../../src/domain/sql/evolution/notes.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import type { Column, ColumnType, TablePlan } from "../../../src/domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../../src/domain/TopicSettings.js"
import { catalogColumn, catalogTable } from "../../support/catalogTables.js"

const column = (name: string, type: ColumnType, over: Partial<Column> = {}): Column => ({
  from: "value",
  path: [name],
  name,
  type,
  nullable: false,
  ...over
})

const planOf = (columns: ReadonlyArray<Column>, over: Partial<TablePlan> = {}): TablePlan => ({
  topic: "orders",
  schemaId: 7,
  table: "orders",
  columns,
  key: [],
  metadata: [],
  notes: [],
  ...over
})

const id = column("id", { kind: "long" })
const idFound = catalogColumn("id", "bigint", { nullable: false })

/** What becomes of a table with an id and these columns when a schema of an id and those fields comes. */
const changes = (
  found: ReadonlyArray<CatalogColumn>,
  wanted: ReadonlyArray<Column>,
  mode: EvolutionPolicy["mode"],
  over: { readonly allowCopy?: boolean; readonly table?: Partial<CatalogTable> } = {}
) => {
  const policy = { mode, allowCopy: over.allowCopy ?? false }
  return evolve(mysql, planOf([id, ...wanted]), catalogTable([idFound, ...found], over.table), policy)
}

const sqlOf = ({ steps }: ReturnType<typeof changes>): ReadonlyArray<string> =>
  steps.map(({ sql }) => sql.replace("ALTER TABLE `orders` ", ""))

describe("a table that is missing", () => {
  it("no table is made of a schema without fields, which no server takes", () => {
    const { refused, steps } = evolve(mysql, planOf([]), undefined, { mode: "widen", allowCopy: true })
    assert.lengthOf(steps, 0)
    assert.deepStrictEqual(refused.map(({ what }) => what), [
      "it is not there, and cannot be made of a schema without fields"
    ])
  })

  it("is created, whatever the policy", () => {
    const { steps } = evolve(mysql, planOf([id]), undefined, { mode: "none", allowCopy: false })
    assert.deepStrictEqual(steps.map(({ kind }) => kind), ["create"])
    assert.include(steps[0]?.sql, "CREATE TABLE")
  })
})

const fallbacksIn = (over: Parameters<typeof changes>[3]) =>
  changes([], [column("coupon", { kind: "string" })], "additive", over).steps[0]?.fallbacks
    .map((sql) => sql.split("ALGORITHM=")[1])

describe("a new field", () => {
  const coupon = column("coupon", { kind: "string" })
  it("evolution none: is ignored", () => {
    const found = changes([], [coupon], "none")
    assert.deepStrictEqual([found.steps, found.refused, [...found.ignored]], [[], [], ["coupon"]])
  })
  for (const mode of ["additive", "widen"] as const) {
    it(`evolution ${mode}: becomes a NULL-able column, INSTANT`, () => {
      assert.deepStrictEqual(sqlOf(changes([], [coupon], mode)), [
        "ADD COLUMN `coupon` LONGTEXT NULL, ALGORITHM=INSTANT"
      ])
    })
  }
  it("several are added by one ALTER, with comment and default", () => {
    const more = [
      column("note", { kind: "string" }, { doc: "it's a note" }),
      column("count", { kind: "int" }, { default: { value: 3 } }),
      column("text", { kind: "string" }, { default: { value: "no literal default for LONGTEXT" } })
    ]
    assert.deepStrictEqual(sqlOf(changes([], more, "additive")), [
      "ADD COLUMN `note` LONGTEXT NULL COMMENT 'it''s a note', ADD COLUMN `count` INT NULL DEFAULT 3, "
      + "ADD COLUMN `text` LONGTEXT NULL, ALGORITHM=INSTANT"
    ])
  })
  it("gets utf8mb4 in a table whose own character set is another", () => {
    const table = { collation: "latin1_swedish_ci" }
    assert.deepStrictEqual(sqlOf(changes([], [coupon], "additive", { table })), [
      "ADD COLUMN `coupon` LONGTEXT CHARACTER SET utf8mb4 NULL, ALGORITHM=INSTANT"
    ])
  })
  it("may be added by a rebuild where the server cannot do it INSTANT, up to a size; by a copy where that is allowed", () => {
    const table = { bytes: rebuildBytesMax + 1 }
    assert.deepStrictEqual(fallbacksIn({}), ["INPLACE"])
    assert.deepStrictEqual(fallbacksIn({ table }), [])
    assert.deepStrictEqual(fallbacksIn({ table, allowCopy: true }), ["INPLACE", "COPY"])
  })
})

it("of several differences each has its own cure, under its number", () => {
  assert.deepStrictEqual(
    refusalOf([
      { what: "column a is int", cure: "ALTER a;", allow: "schema.evolution=widen" },
      { what: "its engine is MyISAM", cure: "ALTER e;" }
    ]),
    {
      what: "(1) column a is int; (2) its engine is MyISAM",
      cure: "(1) set schema.evolution=widen, or run: ALTER a; (2) ALTER e;"
    }
  )
})

describe("a removed field", () => {
  const legacy = catalogColumn("legacy", "varchar(9)", { nullable: false })
  it("whose column has a default, or may be NULL, changes nothing", () => {
    for (const mode of ["none", "additive", "widen"] as const) {
      const preset = { nullable: false, hasDefault: true, defaultText: "x" }
      const kept = changes([catalogColumn("a", "varchar(9)", preset), catalogColumn("b", "int")], [], mode)
      assert.deepStrictEqual([kept.steps, kept.refused], [[], []])
      assert.lengthOf(kept.notes, 2)
    }
  })
  it("evolution none: is refused with the ALTER and the setting", () => {
    const { refused, steps } = changes([legacy], [], "none")
    assert.lengthOf(steps, 0)
    assert.deepStrictEqual(refusalOf(refused), {
      what: "column legacy is NOT NULL without a default, and the schema has no such field",
      cure: "set schema.evolution=additive, or run: ALTER TABLE `orders` MODIFY COLUMN `legacy` varchar(9)"
        + " CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NULL;"
    })
  })
  for (const mode of ["additive", "widen"] as const) {
    it(`evolution ${mode}: its column may be NULL from then on, INPLACE`, () => {
      assert.deepStrictEqual(sqlOf(changes([legacy], [], mode)), [
        "MODIFY COLUMN `legacy` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NULL, ALGORITHM=INPLACE"
      ])
    })
  }
  it("of a table above 1 GiB is refused unless copies are allowed: it is a rebuild", () => {
    const table = { bytes: rebuildBytesMax + 1, rows: 41_000_000 }
    const { refused, steps } = changes([legacy], [], "additive", { table })
    assert.lengthOf(steps, 0)
    assert.strictEqual(refused[0]?.allow, "schema.evolution.allow.copy=true")
    assert.include(refused[0]?.what, "41000000 rows")
    assert.lengthOf(changes([legacy], [], "additive", { table, allowCopy: true }).steps, 1)
  })
  it("in the primary key is refused: nothing there can be NULL", () => {
    const { refused } = changes([legacy], [], "widen", { table: { primaryKey: ["legacy"] } })
    assert.include(refused[0]?.cure, "primary key")
  })
})

describe("NOT NULL to NULL", () => {
  const wanted = column("qty", { kind: "int" }, { nullable: true })
  const found = catalogColumn("qty", "int", { nullable: false, hasDefault: true, defaultText: "7", comment: "pieces" })
  for (const mode of ["none", "additive"] as const) {
    it(`evolution ${mode}: is refused`, () => {
      const { refused, steps } = changes([found], [wanted], mode)
      assert.lengthOf(steps, 0)
      assert.strictEqual(refused[0]?.allow, "schema.evolution=widen")
    })
  }
  it("evolution widen: keeps default, comment and all else of the column", () => {
    assert.deepStrictEqual(sqlOf(changes([found], [wanted], "widen")), [
      "MODIFY COLUMN `qty` int NULL DEFAULT '7' COMMENT 'pieces', ALGORITHM=INPLACE"
    ])
  })
})

describe("a column whose default is bytes", () => {
  it("is left to people: the catalog does not tell the default, so that a MODIFY would lose it", () => {
    const found = catalogColumn("b", "varbinary(4)", { nullable: false, hasDefault: true, defaultText: "0x" })
    const { refused, steps } = changes([found], [column("b", { kind: "bytes" }, { nullable: true })], "widen")
    assert.lengthOf(steps, 0)
    assert.match(refused[0]?.cure ?? "", /with the default of b behind it/u)
  })
})

const ascii = { collation: "ascii_bin" }
const symbols = (count: number) => Array.from({ length: count }, (_, index) => `S${index}`)
const enumOf = (all: ReadonlyArray<string>) => `enum(${all.map((symbol) => `'${symbol}'`).join(",")})`
const enumType = (all: ReadonlyArray<string>): ColumnType => ({ kind: "enum", symbols: all, stored: "varchar" })

/** Name, what is there, what comes, the new type, and what the ALTER costs. */
const widenings: ReadonlyArray<readonly [string, CatalogColumn, ColumnType, string, "INSTANT" | "INPLACE" | "COPY"]> = [
  ["int to long", catalogColumn("c", "int"), { kind: "long" }, "BIGINT", "COPY"],
  ["float to double", catalogColumn("c", "float"), { kind: "double" }, "DOUBLE", "COPY"],
  ["int to double", catalogColumn("c", "int"), { kind: "double" }, "DOUBLE", "COPY"],
  [
    "a longer string below 256 bytes",
    catalogColumn("c", "varchar(20)"),
    { kind: "string", length: 60 },
    "VARCHAR(60) ",
    "INPLACE"
  ],
  [
    "a longer string across 256 bytes",
    catalogColumn("c", "varchar(20)"),
    { kind: "string", length: 70 },
    "VARCHAR(70) ",
    "COPY"
  ],
  [
    "a longer string above 256 bytes",
    catalogColumn("c", "varchar(100)"),
    { kind: "string", length: 200 },
    "VARCHAR(200) ",
    "INPLACE"
  ],
  ["a longer fixed", catalogColumn("c", "binary(16)"), { kind: "fixed", size: 32 }, "VARBINARY(32)", "COPY"],
  ["a longer VARBINARY", catalogColumn("c", "varbinary(16)"), { kind: "fixed", size: 32 }, "VARBINARY(32)", "INPLACE"],
  ["a new symbol, ENUM", catalogColumn("c", "enum('A','B')"), enumType(["B", "C"]), "ENUM('A','B','C') ", "INSTANT"],
  ["the 256th symbol, ENUM", catalogColumn("c", enumOf(symbols(255))), enumType(symbols(256)), "ENUM(", "COPY"],
  [
    "a longer symbol, VARCHAR",
    catalogColumn("c", "varchar(16)", ascii),
    enumType(["A".repeat(40)]),
    "VARCHAR(40) CHARACTER SET ascii",
    "INPLACE"
  ],
  [
    "a decimal with more digits",
    catalogColumn("c", "decimal(9,4)"),
    { kind: "decimal", precision: 9, scale: 2, stored: "decimal" },
    "DECIMAL(11, 4)",
    "COPY"
  ],
  ["millis to micros", catalogColumn("c", "datetime(3)"), { kind: "timestamp", unit: "micros" }, "DATETIME(6)", "COPY"],
  [
    "text of another character set",
    catalogColumn("c", "varchar(9)", { collation: "latin1_bin" }),
    { kind: "string" },
    "LONGTEXT CHARACTER SET utf8mb4",
    "COPY"
  ]
]

describe("a wider type", () => {
  for (const [name, found, type, expected, algorithm] of widenings) {
    it(`${name}: refused unless evolution is widen, ${algorithm}`, () => {
      const wanted = [column("c", type, { nullable: true })]
      for (const mode of ["none", "additive"] as const) {
        const { refused, steps } = changes([found], wanted, mode)
        assert.lengthOf(steps, 0)
        assert.deepStrictEqual(refused.map(({ allow }) => allow), ["schema.evolution=widen"])
        assert.include(refused[0]?.cure, `MODIFY COLUMN \`c\` ${expected}`)
      }
      const { steps } = changes([found], wanted, "widen", { allowCopy: true })
      assert.lengthOf(steps, 1)
      assert.include(steps[0]?.sql, `MODIFY COLUMN \`c\` ${expected}`)
      assert.match(steps[0]?.sql ?? "", new RegExp(`NULL, ALGORITHM=${algorithm}$`, "u"))
      const unasked = changes([found], wanted, "widen")
      assert.lengthOf(unasked.refused, algorithm === "COPY" ? 1 : 0)
      assert.lengthOf(unasked.steps, algorithm === "COPY" ? 0 : 1)
    })
  }
})

const others: ReadonlyArray<readonly [string, CatalogColumn, ColumnType]> = [
  ["long to int32 text", catalogColumn("c", "bigint"), { kind: "string" }],
  ["BIGINT to DOUBLE, which loses digits", catalogColumn("c", "bigint"), { kind: "double" }],
  ["BIGINT UNSIGNED", catalogColumn("c", "bigint unsigned"), { kind: "long" }],
  ["DOUBLE to a whole number", catalogColumn("c", "double"), { kind: "long" }],
  ["text to bytes", catalogColumn("c", "longtext"), { kind: "bytes" }],
  ["date to time of day", catalogColumn("c", "date"), { kind: "time", unit: "millis" }],
  ["a decimal beyond 65 digits", catalogColumn("c", "decimal(65,0)"), {
    kind: "decimal",
    precision: 20,
    scale: 10,
    stored: "decimal"
  }],
  ["a smaller fixed", catalogColumn("c", "binary(16)"), { kind: "fixed", size: 8 }]
]

describe("a narrower type, or another one", () => {
  for (const [name, found, type] of others) {
    it(`${name}: is refused by every policy`, () => {
      for (const mode of ["none", "additive", "widen"] as const) {
        const { refused, steps } = changes([found], [column("c", type, { nullable: true })], mode, { allowCopy: true })
        assert.lengthOf(steps, 0)
        assert.lengthOf(refused, 1)
        assert.isUndefined(refused[0]?.allow)
      }
    })
  }
})

describe("what else a table may be", () => {
  it("all that is wrong is told at once, and nothing is run then", () => {
    const found = [catalogColumn("a", "bigint"), catalogColumn("g", "int", { extra: "virtual generated" })]
    const wanted = [
      column("a", { kind: "string" }, { nullable: true }),
      column("g", { kind: "int" }),
      column("new", { kind: "int" })
    ]
    const { refused } = changes(found, wanted, "additive", { table: { engine: "MyISAM" } })
    assert.deepStrictEqual(refused.map(({ what }) => what.split(",")[0]), [
      "its engine is MyISAM",
      "column a is bigint",
      "column g is generated"
    ])
  })
  it("steps that cost the same are one ALTER, the cheapest first", () => {
    const found = [
      catalogColumn("e", "enum('A')"),
      catalogColumn("n", "int", { nullable: false }),
      catalogColumn("w", "int")
    ]
    const wanted = [
      column("w", { kind: "long" }, { nullable: true }),
      column("n", { kind: "int" }, { nullable: true }),
      column("e", enumType(["A", "B"]), { nullable: true }),
      column("x", { kind: "int" })
    ]
    const { steps } = changes(found, wanted, "widen", { allowCopy: true })
    assert.deepStrictEqual(steps.map(({ cost, kind }) => `${kind} ${cost}`), [
      "add instant",
      "widen instant",
      "relax rebuild",
      "widen copy"
    ])
  })
  it("a view takes rows if it is updatable, and is never altered", () => {
    const table = { type: "VIEW", engine: null, updatable: true }
    assert.deepStrictEqual(changes([], [], "additive", { table }).refused, [])
    assert.lengthOf(changes([], [], "additive", { table: { ...table, updatable: false } }).refused, 1)
    const added = changes([], [column("new", { kind: "int" })], "widen", { table })
    assert.deepStrictEqual([added.steps, added.refused.length], [[], 1])
  })
})

const index = (name: string, ...columns: ReadonlyArray<string>) => ({ name, columns, whole: true })

describe("an upsert table", () => {
  const key = column("k", { kind: "string", length: 255, key: true })
  const exact = { collation: "utf8mb4_0900_bin", nullable: false }
  const inspect = (table: Partial<CatalogTable>, over: Partial<CatalogColumn> = exact, plan: Partial<TablePlan> = {}) =>
    evolve(
      mysql,
      planOf([key, id], { key: ["k"], ...plan }),
      catalogTable([catalogColumn("k", "varchar(255)", { nullable: false, ...over }), idFound], table),
      { mode: "widen", allowCopy: true }
    ).refused.map(({ what }) => what)

  it("has a unique index on exactly its key", () => {
    assert.deepStrictEqual(inspect({ uniqueIndexes: [index("PRIMARY", "K")] }), [])
    assert.match(inspect({}).join(), /no unique index is on the key/u)
    assert.match(inspect({ uniqueIndexes: [{ ...index("PRIMARY", "k"), whole: false }] }).join(), /no unique index/u)
  })
  it("has no other unique index, unless that is allowed by its name", () => {
    const uniqueIndexes = [index("PRIMARY", "k"), index("by_id", "id")]
    assert.match(inspect({ uniqueIndexes }).join(), /^unique index by_id is not the key/u)
    assert.deepStrictEqual(inspect({ uniqueIndexes }, exact, { uniqueIndexesAllowed: new Set(["by_id"]) }), [])
  })
  it("may still have Tributary's own key, which no record hits twice", () => {
    const own = index("PRIMARY", "_source", "_partition", "_offset")
    assert.deepStrictEqual(inspect({ uniqueIndexes: [own, index("by_k", "k")] }), [])
  })
  it("compares its key byte for byte, without padding", () => {
    const uniqueIndexes = [index("PRIMARY", "k")]
    for (const collation of ["utf8mb4_0900_ai_ci", "utf8mb4_bin", "utf8mb4_general_ci"]) {
      assert.match(inspect({ uniqueIndexes }, { collation }).join(), /different keys are the same/u)
    }
    assert.deepStrictEqual(inspect({ uniqueIndexes }, { collation: "utf8mb4_nopad_bin" }), [])
  })
})

it("a foreign key and a CHECK are told with what becomes of a record that they forbid", () => {
  const table = catalogTable([], { constraints: ["CHECK positive", "FOREIGN KEY of_customer"] })
  assert.deepStrictEqual(notesOn(planOf([]), table), [
    "CHECK positive: a record that it forbids is a dead letter",
    "FOREIGN KEY of_customer: a record without its parent waits fk.wait.ms for it, and then is a dead letter"
  ])
})

it.each([[7, "schema 7"], [0, "the schema"]])("a schema is told by its id if it has one: %s", (schemaId, text) => {
  const plan = planOf([id], { schemaId })
  const { steps } = evolve(mysql, plan, undefined, { mode: "additive", allowCopy: false })
  assert.deepStrictEqual(steps.flatMap(({ why }) => why), [`create the table for ${text} of topic orders`])
})
