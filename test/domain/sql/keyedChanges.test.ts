import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Change, makeChangeBatch } from "../../../src/domain/sql/changes.js"
import type { Dialect } from "../../../src/domain/sql/Dialect.js"
import { mariadb } from "../../../src/domain/sql/mariadb.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import type { RowShape } from "../../../src/domain/sql/Row.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"

// The model is a table in memory to which records are applied one by one. What stands against it are the statements of
// batches, run by an interpreter that knows three of them and nothing of how batches are made. `extra` is a column that
// no record writes: only a deletion that really happens resets it.

type StoredRow = Readonly<Record<string, string>>
type Table = Map<string, StoredRow>
const columns = ["a", "b", "c", "extra"]
const presets: StoredRow = { a: "DA", b: "DB", c: "DC", extra: "fresh" }

const version = (...fields: ReadonlyArray<string>): RowShape => ({
  table: "t",
  columns: ["k1", "k2", ...fields],
  keyLength: 2
})
/** Versions that add, remove and move fields; the last has none beside the key. */
const versions = [version("a", "b"), version("b", "a", "c"), version("c"), version("A"), version()]
const deleted = version()

const change: fc.Arbitrary<Change> = fc.record({
  key: fc.tuple(fc.constantFrom("1", "2", "'1'"), fc.constantFrom("1", "x'00'")),
  shape: fc.constantFrom(...versions),
  value: fc.nat({ max: 999 }),
  isDelete: fc.integer({ min: 0, max: 3 }).map((dice) => dice === 0)
}).map(({ isDelete, key, shape, value }): Change =>
  isDelete
    ? { _tag: "Delete", shape: deleted, cells: key }
    : {
      _tag: "Write",
      shape,
      cells: [...key, ...shape.columns.slice(2).map((name) => `${value}${name.toLowerCase()}`)]
    }
)

const applyOne = (table: Table, { _tag, cells, shape }: Change): void => {
  const key = cells.slice(0, 2).join(",")
  if (_tag === "Delete") return void table.delete(key)
  const written = Object.fromEntries(
    shape.columns.slice(2).map((name, at) => [name.toLowerCase(), cells[at + 2] ?? ""])
  )
  table.set(key, { ...presets, ...table.get(key), ...written })
}

const cellsOf = (rows: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...rows.matchAll(/\(([^()]*)\)/gu)].map(([, cells = ""]) => cells.split(","))

/** Runs one statement; what it does not understand fails the test. */
const run = (table: Table, statement: string): void => {
  const plain = statement.replaceAll(/[`"]/gu, "")
  const deletion = /^DELETE(?: .*INDEX.t. ..)? FROM t WHERE \(k1,k2\) IN \((?:VALUES )?(.*)\)$/u.exec(plain)
  if (deletion !== null) {
    for (const cells of cellsOf(deletion[1] ?? "")) table.delete(cells.join(","))
    return
  }
  const orDeletion = /^DELETE FROM t WHERE \((.*)\) ORDER BY k1,k2 LIMIT (\d+)$/u.exec(plain)
  if (orDeletion !== null) {
    const [, keys = "", limit] = orDeletion
    const gone = keys.split(" OR ").map((key) => key.replace("k1=", "").replace(" AND k2=", ","))
    assert.strictEqual(limit, String(gone.length))
    for (const key of gone) table.delete(key)
    return
  }
  const upsert =
    /^INSERT INTO t \((.*?)\) VALUES (.*?)(?: AS new)? ON (?:DUPLICATE KEY UPDATE|CONFLICT \(k1, k2\) DO UPDATE SET) (.*)$/u
      .exec(plain)
  assert.isNotNull(upsert, plain)
  const [, head = "", rows = "", set = ""] = upsert ?? []
  const inserted = head.toLowerCase().split(", ")
  const assigned = set.split(", ").map((one) =>
    (/^(\w+) = (?:new\.|excluded\.|VALUES\()\1\)?$/u.exec(one) ?? [])[1] ?? one
  )
  for (const cells of cellsOf(rows)) {
    const given = Object.fromEntries(inserted.map((name, at) => [name, cells[at] ?? ""]))
    const key = `${given["k1"]},${given["k2"]}`
    const before = table.get(key)
    const names = (before === undefined ? inserted : assigned.map((name) => name.toLowerCase()))
      .filter((name) => columns.includes(name))
    table.set(key, { ...presets, ...before, ...Object.fromEntries(names.map((name) => [name, given[name] ?? ""])) })
  }
}

const sorted = (table: Table): ReadonlyArray<unknown> => [...table].toSorted(([a], [b]) => a < b ? -1 : 1)
const before = (): Table =>
  new Map([["1,1", { a: "0a", b: "0b", c: "0c", extra: "old" }], ["2,x'00'", { ...presets, extra: "old" }]])

/** Batches end where a number of `cuts` says. */
const split = (changes: ReadonlyArray<Change>, cuts: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<Change>> => {
  const places = [...new Set(cuts.map((cut) => cut % (changes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...places].map((from, index) => changes.slice(from, places[index] ?? changes.length))
}

const dialects: ReadonlyArray<Dialect> = [mysql, mariadb, sqlite]

describe("changes by key", () => {
  it("leave the table as if every record had been applied alone, however batches are cut and statements sized", () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 14 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(...dialects),
        (changes, cuts, bytesMax, dialect) => {
          const model = before()
          for (const each of changes) applyOne(model, each)
          const table = before()
          for (const part of split(changes, cuts)) {
            const batch = makeChangeBatch(dialect, bytesMax)
            for (const each of part) batch.add(each)
            for (const statement of batch.take()) run(table, statement)
          }
          assert.deepStrictEqual(sorted(table), sorted(model))
        }
      ),
      { numRuns: 1000 }
    )
  })

  it("name each key at most once in the deletions and once in the writes, in the order of the keys", () => {
    fc.assert(fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const batch = makeChangeBatch(mysql, 4096)
      for (const each of changes) batch.add(each)
      const statements = batch.take()
      const keys = (isMeant: (statement: string) => boolean) =>
        statements.filter(isMeant).map((statement) =>
          cellsOf(statement.replace(/^.*? (?:IN|VALUES) /u, "")).map((cells) => cells.slice(0, 2).join(","))
        )
      for (const group of [keys((each) => each.startsWith("DELETE")), keys((each) => each.startsWith("INSERT"))]) {
        assert.lengthOf(new Set(group.flat()), group.flat().length)
        for (const each of group) assert.deepStrictEqual(each, each.toSorted())
      }
    }))
  })

  it("do not grow with the number of records of one key", () => {
    const batch = makeChangeBatch(mysql, 4096)
    const [shape = deleted] = versions
    for (let at = 0; at < 1000; at++) batch.add({ _tag: "Write", shape, cells: ["1", "1", `${at}a`, `${at}b`] })
    assert.deepStrictEqual(batch.take(), [
      "INSERT INTO `t` (`k1`, `k2`, `a`, `b`) VALUES (1,1,999a,999b)"
      + " AS `new` ON DUPLICATE KEY UPDATE `a` = `new`.`a`, `b` = `new`.`b`"
    ])
  })

  it("find a key again whose schema has its fields in another order now", () => {
    const batch = makeChangeBatch(mysql, 4096)
    const first: RowShape = { table: "t", columns: ["k1", "k2", "a"], keyLength: 2 }
    const second: RowShape = { table: "t", columns: ["K2", "k1", "b"], keyLength: 2 }
    batch.add({ _tag: "Write", shape: first, cells: ["2", "1", "a"] })
    batch.add({ _tag: "Write", shape: second, cells: ["1", "2", "b"] })
    batch.add({ _tag: "Delete", shape: deleted, cells: ["7", "8"] })
    batch.add({ _tag: "Delete", shape: { ...deleted, columns: ["k2", "k1"] }, cells: ["7", "8"] })
    assert.deepStrictEqual(batch.take(), [
      "DELETE /*+ INDEX(`t`) */ FROM `t` WHERE (`k1`,`k2`) IN ((7,8))",
      "DELETE /*+ INDEX(`t`) */ FROM `t` WHERE (`k2`,`k1`) IN ((7,8))",
      "INSERT INTO `t` (`K2`, `k1`, `b`, `a`) VALUES (1,2,b,a)"
      + " AS `new` ON DUPLICATE KEY UPDATE `b` = `new`.`b`, `a` = `new`.`a`"
    ])
  })

  it("of several tables are kept apart, tables in the order of their names", () => {
    const batch = makeChangeBatch(mysql, 4096)
    for (const table of ["z", "a"]) {
      batch.add({ _tag: "Write", shape: { table, columns: ["k"], keyLength: 1 }, cells: ["1"] })
      batch.add({ _tag: "Delete", shape: { table, columns: ["k"], keyLength: 1 }, cells: ["2"] })
    }
    assert.deepStrictEqual(
      batch.take(),
      ["a", "z"].flatMap((table) => [
        `DELETE /*+ INDEX(\`${table}\`) */ FROM \`${table}\` WHERE \`k\` IN (2)`,
        `INSERT INTO \`${table}\` (\`k\`) VALUES (1) AS \`new\` ON DUPLICATE KEY UPDATE \`k\` = \`new\`.\`k\``
      ])
    )
  })

  it("of a table called new have another alias", () => {
    assert.strictEqual(
      mysql.upsertTail("NEW", ["k"], ["a"]),
      " AS `newer` ON DUPLICATE KEY UPDATE `a` = `newer`.`a`"
    )
  })
})
