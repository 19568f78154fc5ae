import { assert, describe, it } from "@effect/vitest"
import { mayHold, namesRecord, tableFor } from "../../src/domain/tableName.js"

const format = (tableNameFormat: string) => ({ tableNameFormat, table: undefined })

describe("the table of a record", () => {
  it.each([
    ["${topic}", "shop.orders", "com.acme.Order", "shop.orders"],
    ["${topic}_${record}", "shop.orders", "com.acme.Order", "shop.orders_Order"],
    ["${record}", "orders", "Order", "Order"],
    ["all_${record}", "orders", undefined, "all_value"],
    ["${topic}", "$&", "Order", "$&"]
  ])("%s of topic %s and record %s is %s", (name, topic, record, table) => {
    assert.strictEqual(tableFor(format(name), topic, record), table)
  })

  it("is the one that topic.to.table.map says, whatever the format", () => {
    const naming = { tableNameFormat: "${topic}_${record}", table: "all_of_it" }
    assert.strictEqual(tableFor(naming, "orders", "Order"), "all_of_it")
    assert.isFalse(namesRecord(naming))
  })
})

describe("the tables that may hold a topic's records", () => {
  it("are all that the format gives with some record type, without case", () => {
    const holds = mayHold(format("t.${topic}_${record}"), "a.b")
    assert.deepStrictEqual(
      ["t.a.b_Order", "T.A.B_ORDER", "t.a.b_", "txa.b_Order", "t.a_Order", "xt.a.b_Order"].filter(holds),
      ["t.a.b_Order", "T.A.B_ORDER"]
    )
  })

  it("are the one table where the name leaves nothing open", () => {
    assert.deepStrictEqual(["orders", "orders_x"].filter(mayHold(format("${topic}"), "orders")), ["orders"])
    assert.deepStrictEqual(["t", "tt"].filter(mayHold({ tableNameFormat: "${record}", table: "t" }, "orders")), ["t"])
  })
})
