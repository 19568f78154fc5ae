import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ColumnType } from "../../../src/domain/sql/TablePlan.js"
import { describeOnEach } from "../../servers/index.js"
import {
  additive,
  column,
  columnsOf,
  copying,
  ensure,
  id,
  insert,
  inspect,
  none,
  planOf,
  refusal,
  widen
} from "./evolutionSupport.js"
import { ownDatabase, query } from "./support.js"

const enumType = (...symbols: ReadonlyArray<string>): ColumnType => ({ kind: "enum", symbols, stored: "enum" })

/** Name, first and second type, the column afterwards, whether it takes a copy, and a value that must stay. */
const widenings: ReadonlyArray<readonly [string, ColumnType, ColumnType, string, boolean, string]> = [
  ["int to long", { kind: "int" }, { kind: "long" }, "c bigint NOT NULL", true, "-5"],
  ["float to double", { kind: "float", stored: "float" }, { kind: "double" }, "c double NOT NULL", true, "0.5"],
  [
    "longer string",
    { kind: "string", length: 20 },
    { kind: "string", length: 60 },
    "c varchar(60) NOT NULL",
    false,
    "'é'"
  ],
  [
    "longer string, two bytes of length",
    { kind: "string", length: 20 },
    { kind: "string", length: 70 },
    "c varchar(70) NOT NULL",
    true,
    "'é'"
  ],
  [
    "longer fixed",
    { kind: "fixed", size: 4 },
    { kind: "fixed", size: 8 },
    "c varbinary(8) NOT NULL",
    true,
    "x'00010200'"
  ],
  ["new symbol of ENUM", enumType("A", "B"), enumType("C", "A", "B"), "c enum('A','B','C') NOT NULL", false, "'B'"],
  [
    "longer symbol of VARCHAR",
    { kind: "enum", symbols: ["A"], stored: "varchar" },
    { kind: "enum", symbols: ["A", "A_symbol_of_more_than_16"], stored: "varchar" },
    "c varchar(24) NOT NULL",
    false,
    "'A'"
  ],
  [
    "more digits",
    { kind: "decimal", precision: 5, scale: 2, stored: "decimal" },
    { kind: "decimal", precision: 9, scale: 3, stored: "decimal" },
    "c decimal(9,3) NOT NULL",
    true,
    "-1.25"
  ]
]

describeOnEach("a table follows its schema", ({ address, label }) => {
  it.scopedLive("evolution none: a new field is left out, and told; a removed one stops the start", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* ensure(config, planOf([id]), none)
      const more = planOf([id, column("note", { kind: "string" })])
      assert.deepStrictEqual(yield* ensure(config, more, none), { keyColumns: true, ignored: new Set(["note"]) })
      assert.match(yield* refusal(ensure(config, planOf([]), none)), /schema\.evolution=additive, or run: ALTER TABLE/u)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL"])
    }))

  it.scopedLive("evolution additive: new fields are columns that may be NULL, removed ones need no value", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* ensure(config, planOf([id]), additive)
      yield* insert(admin, 0, "id", "1")
      const second = planOf([
        column("note", { kind: "string" }, { doc: "what 'they' \\ say" }),
        column("count", { kind: "int" }, { default: { value: 3 } }),
        column("kind", enumType("A", "B"), { default: { value: "B" } }),
        column("at", { kind: "timestamp", unit: "micros" }),
        column("tree", { kind: "json", schema: { type: "array", items: { type: "int" } } })
      ])
      yield* ensure(config, second, additive)
      assert.deepStrictEqual(yield* columnsOf(admin), [
        "id bigint NULL",
        "note longtext NULL",
        "count int NULL 3",
        "kind enum('A','B') NULL B",
        "at datetime(6) NULL",
        `tree ${label === "MySQL" ? "json" : "longtext"} NULL`
      ])
      yield* insert(admin, 1, "note", "'x'")
      assert.deepStrictEqual(yield* query(admin, "SELECT id, count, kind FROM orders ORDER BY _offset"), [
        { id: 1, count: 3, kind: "B" },
        { id: null, count: 3, kind: "B" }
      ])
      assert.match(
        yield* refusal(
          ensure(config, planOf([column("note", { kind: "string" }), column("count", { kind: "long" })]), additive)
        ),
        /schema\.evolution=widen, or run: ALTER TABLE `orders` MODIFY COLUMN `count` BIGINT NULL DEFAULT '?3'?;/u
      )
    }))

  for (const [name, first, second, expected, copies, value] of widenings) {
    it.scopedLive(`evolution widen: ${name}, ${copies ? "if copies are allowed" : "in place"}; values stay`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        const [before, after] = [first, second].map((type) => planOf([column("c", type)]))
        if (before === undefined || after === undefined) return assert.fail()
        yield* ensure(config, before, additive)
        yield* insert(admin, 0, "c", value)
        assert.include(yield* refusal(ensure(config, after, additive)), "schema.evolution=widen")
        if (copies) assert.include(yield* refusal(ensure(config, after, widen)), "schema.evolution.allow.copy=true")
        yield* ensure(config, after, copies ? copying : widen)
        assert.deepStrictEqual(yield* columnsOf(admin), [expected])
        assert.deepStrictEqual(yield* query(admin, `SELECT COUNT(*) AS n FROM orders WHERE c = ${value}`), [{ n: 1 }])
        // The older schema still finds what it needs, and whatever is asked again changes nothing.
        for (const plan of [before, after]) assert.lengthOf((yield* inspect(config, plan, none)).steps, 0)
      }))
  }

  it.scopedLive("evolution widen: a field that may be null now, with its column's default, comment and collation kept", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      const kept = [
        "s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s \\\\ ü' COMMENT 'some ''words'''",
        "n INT NOT NULL DEFAULT -3",
        "t TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)",
        "e VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()) INVISIBLE"
      ]
      yield* query(admin, `CREATE TABLE orders (${kept.join(", ")})`)
      const shown = Effect.map(
        query(admin, "SHOW CREATE TABLE orders"),
        (rows) => String(Array.isArray(rows) ? Object.values(rows[0])[1] : "")
      )
      const before = yield* shown
      const types = {
        s: { kind: "string" },
        n: { kind: "int" },
        t: { kind: "timestamp", unit: "millis" },
        e: { kind: "uuid", stored: "char" }
      } as const
      const columns = Object.entries(types).map(([name, type]) => column(name, type, { nullable: true }))
      yield* ensure(config, planOf(columns), widen)
      // Of a TIMESTAMP alone the server says that it may be NULL.
      const expected = before.replaceAll(" NOT NULL", "").replace("`t` timestamp(3)", "`t` timestamp(3) NULL")
      assert.strictEqual(yield* shown, expected)
    }))
})
