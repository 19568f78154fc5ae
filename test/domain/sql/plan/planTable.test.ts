import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parseSchema } from "../../../../src/domain/avro/parseSchema.js"
import { planDelete, planTable } from "../../../../src/domain/sql/plan/planTable.js"
import { mysql } from "../../../../src/domain/sql/mysql.js"
import type { TablePlan } from "../../../../src/domain/sql/TablePlan.js"
import { defaultTopicSettings, type FieldRules, type TopicSettings } from "../../../../src/domain/TopicSettings.js"

const schemaOf = (schema: unknown) => Either.getOrThrow(parseSchema(JSON.stringify(schema)))
type Field = readonly [name: string, type: unknown, preset?: unknown]
const record = (name: string, ...fields: ReadonlyArray<Field>): object => ({
  type: "record",
  name,
  fields: fields.map(([field, type, preset]) => ({
    name: field,
    type,
    ...(preset === undefined ? {} : { default: preset })
  }))
})
const rules = (over: Partial<FieldRules>): FieldRules => ({ ...defaultTopicSettings.fields, ...over })

const planned = (over: Partial<TopicSettings>, schema: unknown, keySchema?: unknown) =>
  planTable({
    topic: "payments",
    schemaId: 7,
    table: "t",
    schema: schemaOf(schema),
    settings: { ...defaultTopicSettings, ...over },
    ...(keySchema === undefined ? {} : { keySchema: schemaOf(keySchema) })
  })
const plan = (...request: Parameters<typeof planned>): TablePlan => Either.getOrThrow(planned(...request))
const messages = (...request: Parameters<typeof planned>): ReadonlyArray<string> =>
  Either.getOrThrow(Either.flip(planned(...request))).map(({ message }) => message)
/** `name type`, with `?` where NULL is allowed and where the value comes from if not from the field of that name. */
const shown = ({ columns }: TablePlan): ReadonlyArray<string> =>
  columns.map((column) => {
    const from = column.from === "key" ? ` key:${column.path.join(".")}` : ""
    const path = column.from === "value" && column.path.join(".") !== column.name ? ` ${column.path.join(".")}` : ""
    return `${column.name} ${column.type.kind}${column.nullable ? "?" : ""}${from}${path}`
  })

const person = record("P", ["id", "int"], ["name", "string"], ["email", ["null", "string"]], ["age", "int"])

describe("rules for fields", () => {
  it("choose, rename, mask and empty columns by the names of the schema", () => {
    const chosen = plan({ fields: rules({ include: new Set(["id", "email"]) }) }, person)
    assert.deepStrictEqual(shown(chosen), ["id int", "email string?"])
    const changed = plan({
      fields: rules({
        exclude: new Set(["age"]),
        rename: new Map([["id", "person"]]),
        hash: new Set(["email"]),
        redact: new Set(["name"])
      })
    }, person)
    assert.deepStrictEqual(shown(changed), ["person int id", "name string?", "email hash?"])
    assert.isTrue(changed.columns[1]?.redacted)
  })

  it("that name what this version of the schema lacks are notes: nobody could cure an older version", () => {
    const unknown = new Set(["Name", "x"])
    const all = { include: new Set(["id", "Name"]), exclude: unknown, hash: unknown, redact: unknown }
    const found = plan({ fields: rules({ ...all, rename: new Map([["Name", "x"]]) }) }, person)
    assert.deepStrictEqual(shown(found), ["id int"])
    assert.deepStrictEqual(found.notes, [
      "fields.include names \"Name\", which this schema does not have: that has no effect",
      "fields.exclude names \"Name\", \"x\", which this schema does not have: that has no effect",
      "fields.rename names \"Name\", which this schema does not have: that has no effect",
      "fields.hash names \"Name\", \"x\", which this schema does not have: nothing is masked by that",
      "fields.redact names \"Name\", \"x\", which this schema does not have: nothing is masked by that"
    ])
    assert.lengthOf(plan({ fields: rules({ redact: unknown }) }, "string").notes, 1)
    assert.deepStrictEqual(plan({}, person).notes, [])
  })

  it("name a value that is no record by its column", () => {
    const fields = rules({ hash: new Set(["value"]), rename: new Map([["value", "v"]]) })
    assert.deepStrictEqual(shown(plan({ fields }, "string")), ["v hash "])
    assert.isTrue(plan({ fields: rules({ redact: new Set(["value"]) }) }, "string").columns[0]?.redacted)
  })

  it("that reach into a document are set-up errors: the field is there, and would be stored as it is", () => {
    const home = record("Home", ["street", "string"], ["up", ["null", "Home"]])
    const schema = record("R", ["home", ["null", home]], ["past", { type: "array", items: "Home" }])
    for (const name of ["home.street", "home.up.up.street", "past.street"]) {
      const [message] = messages({ fields: rules({ redact: new Set([name]) }) }, schema)
      assert.include(
        message,
        `field "${name}": fields.redact names it, and it is inside the JSON of ${name.split(".")[0]}`
      )
    }
    assert.lengthOf(plan({ fields: rules({ redact: new Set(["home.email", "hom.street"]) }) }, schema).notes, 1)
  })

  it("that collide are set-up errors", () => {
    const [collision] = messages({ fields: rules({ rename: new Map([["name", "ID"]]) }) }, person)
    assert.include(collision, "field \"name\": it collides with field \"id\"")
    const [taken] = messages({ metadataColumns: ["_key"] }, record("R", ["_KEY", "int"]))
    assert.include(taken, "reserved for Tributary's column _key")
    assert.deepStrictEqual(shown(plan({}, record("R", ["_key", "int"]))), ["_key int"])
  })

  it("refuse a digest of what is no single value", () => {
    const [message] = messages(
      { fields: rules({ hash: new Set(["a"]) }) },
      record("R", ["a", { type: "map", values: "int" }])
    )
    assert.include(message, "fields.hash names it")
  })
})

describe("flattened records", () => {
  const types = { ...defaultTopicSettings.types, nested: "flatten" } as const
  const geo = record("Geo", ["lat", "double"], ["label", ["null", "string"]])
  const address = record("Address", ["street", "string"], ["geo", ["null", geo]])
  const nested = record("R", ["id", "int"], ["home", address])

  it("are columns outer_inner, NULL allowed where a record on the way may be null", () => {
    assert.deepStrictEqual(shown(plan({ types }, nested)), [
      "id int",
      "home_street string home.street",
      "home_geo_lat double? home.geo.lat",
      "home_geo_label string? home.geo.label"
    ])
    assert.deepStrictEqual(shown(plan({}, nested)), ["id int", "home json"])
  })

  it("take rules by dotted names; a rule for a record holds for all in it", () => {
    const fields = rules({ rename: new Map([["home", "h"], ["home.geo.lat", "lat"]]), redact: new Set(["home.geo"]) })
    const plannedRules = plan({ types, fields }, nested)
    assert.deepStrictEqual(shown(plannedRules).map((line) => line.split(" ")[0]), [
      "id",
      "h_street",
      "lat",
      "h_geo_label"
    ])
    assert.deepStrictEqual(plannedRules.columns.map(({ redacted }) => redacted === true), [false, false, true, true])
    const without = rules({ exclude: new Set(["home.geo"]), hash: new Set(["home.street"]) })
    assert.deepStrictEqual(shown(plan({ types, fields: without }, nested)), ["id int", "home_street hash home.street"])
    const only = rules({ include: new Set(["home.geo"]), exclude: new Set(["home.geo.label"]) })
    assert.deepStrictEqual(shown(plan({ types, fields: only }, nested)), ["home_geo_lat double? home.geo.lat"])
    assert.include(
      messages({ fields: rules({ exclude: new Set(["home.geo"]) }) }, nested)[0],
      "inside the JSON of home"
    )
  })

  it("collide like others, and stay documents where they contain themselves or are lists", () => {
    const twice = record("R", ["a_b", "int"], ["a", record("A", ["B", "int"])])
    assert.include(messages({ types }, twice)[0], "field \"a.B\": it collides with field \"a_b\"")
    const tree = record("Tree", ["left", ["null", "Tree"]], ["label", "string"])
    const forest = record("R", ["tree", tree], ["list", { type: "array", items: geo }])
    assert.deepStrictEqual(shown(plan({ types }, forest)), ["tree json", "list json"])
  })
})

describe("keys", () => {
  const upsert = { insertMode: "upsert", keyMode: "record_key" } as const
  const byValue = { insertMode: "upsert", keyMode: "record_value" } as const

  it("of a record are its fields; a field of the value with the same name is that column, taken from the key", () => {
    const key = record("K", ["REGION", "string"], ["id", "int"])
    const found = plan(upsert, record("V", ["v", "int"], ["region", "string"]), key)
    assert.deepStrictEqual(shown(found), ["id int key:id", "v int", "REGION string key:REGION"])
    assert.deepStrictEqual(found.key, ["REGION", "id"])
    assert.include(
      mysql.createTable(found),
      "`REGION` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin NOT NULL"
    )
    assert.include(mysql.createTable(found), "PRIMARY KEY (`REGION`, `id`)")
    assert.deepStrictEqual(plan({ ...upsert, keyFields: ["id"] }, person, key).key, ["id"])
  })

  it("that are one value are one column, `key` unless pk.fields names it", () => {
    assert.deepStrictEqual(shown(plan(upsert, person, "long")).slice(0, 2), ["key long key:", "id int"])
    assert.deepStrictEqual(shown(plan({ ...upsert, keyFields: ["id"] }, person, "long"))[0], "id long key:")
  })

  it("from the value are the fields that pk.fields names, renamed and masked like others, and never NULL", () => {
    const fields = rules({ rename: new Map([["id", "person"]]), hash: new Set(["email"]) })
    const found = plan({ ...byValue, keyFields: ["email", "id"], fields }, person)
    assert.deepStrictEqual(found.key, ["email", "person"])
    assert.deepStrictEqual(shown(found), ["person int id", "name string", "email hash", "age int"])
  })

  it("are the same for a record without a value", () => {
    const key = record("K", ["a", ["null", "string"]], ["b", "bytes"])
    const settings = { ...defaultTopicSettings, ...upsert }
    const removal = Either.getOrThrow(planDelete({ topic: "payments", table: "t", keySchema: schemaOf(key), settings }))
    const writing = plan(upsert, person, key)
    assert.deepStrictEqual(removal.columns, writing.columns.filter(({ from }) => from === "key"))
    assert.deepStrictEqual(removal.key, writing.key)
  })

  it("that are appended are columns like others", () => {
    const found = plan({ keyMode: "record_key" }, person, "string")
    assert.deepStrictEqual(shown(found)[0], "key string? key:")
    assert.deepStrictEqual(found.key, [])
  })

  // By the rule's own name, in another case, by the column's: whatever the rule means, the key has that name.
  for (
    const [fields, value, key] of [
      [rules({ redact: new Set(["email"]) }), person, record("K", ["email", "string"])],
      [rules({ hash: new Set(["email"]) }), record("P", ["id", "int"]), record("K", ["Email", "string"])],
      [
        rules({ hash: new Set(["name"]), rename: new Map([["name", "email"]]) }),
        person,
        record("K", ["email", "string"])
      ]
    ] as const
  ) {
    it("do not bring along what is masked in the value", () => {
      const settled = { ...fields, exclude: new Set(["email"]) }
      for (const mode of [upsert, { keyMode: "record_key" } as const]) {
        const found = messages({ ...mode, fields: settled }, value, key)
        assert.include(found.join("; "), "the record's key would store it as it is")
      }
      assert.doesNotThrow(() => plan({ ...upsert, fields: settled }, value, record("K", ["k", "int"])))
    })
  }

  const problems: ReadonlyArray<readonly [request: Parameters<typeof planned>, message: string]> = [
    [
      [{ ...upsert, types: { ...defaultTopicSettings.types, nanos: "datetime" } }, person, {
        type: "long",
        logicalType: "timestamp-nanos"
      }],
      "different keys would become one"
    ],
    [[{ ...byValue, keyFields: ["id"] }, "string"], "field \"id\": pk.fields names it, and the value, no record"],
    [[byValue, person], "upsert needs a key"],
    [[upsert, person, record("K")], "the record's key is a record without fields"],
    [[{ insertMode: "upsert" }, person], "upsert needs a key"],
    [[upsert, person], "the record's key has no schema"],
    [[upsert, person, { type: "array", items: "int" }], "json cannot be part of a key"],
    [[upsert, person, "double"], "double cannot be part of a key"],
    [[{ ...upsert, keyFields: ["x"] }, person, record("K", ["a", "int"])], "key has no such field"],
    [[{ ...upsert, keyFields: ["a", "b"] }, person, "int"], "the record's key is one value"],
    [[{ ...byValue, keyFields: ["nobody"] }, person], "field \"nobody\": pk.fields names it"],
    [[{ ...byValue, keyFields: ["age"], fields: rules({ exclude: new Set(["age"]) }) }, person], "pk.fields names it"],
    [[{ ...byValue, keyFields: ["age"], fields: rules({ redact: new Set(["age"]) }) }, person], "redacted"],
    [
      [upsert, person, record("K", ...["a", "b", "c", "d"].map((name): Field => [name, "string"]))],
      "a key of 4088 bytes, InnoDB takes 3072"
    ]
  ]
  for (const [request, message] of problems) {
    it(`are refused: ${message}`, () => {
      const found = messages(...request)
      assert.lengthOf(found, 1)
      assert.include(found[0], message)
    })
  }
})

describe("what else a plan says", () => {
  it("a field's default, decoded; none for a key, a masked field, or one that does not fit", () => {
    const schema = record("R", ["id", "int", 1], ["n", ["null", "int"], null], ["s", "string", "x"], ["h", "int", 5])
    const settings = {
      insertMode: "upsert",
      keyMode: "record_value",
      keyFields: ["id"],
      fields: rules({ hash: new Set(["h"]) })
    } as const
    assert.deepStrictEqual(
      plan(settings, schema).columns.map((column) => column.default),
      [undefined, { value: null }, { value: "x" }, undefined]
    )
  })

  it("metadata columns, invisible and nullable", () => {
    const sql = mysql.createTable(plan({ metadataColumns: ["_timestamp", "_key", "_headers", "_schema_id"] }, person))
    for (const line of ["`_timestamp` DATETIME(3)", "`_key` LONGBLOB", "`_headers` JSON", "`_schema_id` INT"]) {
      assert.include(sql, `  ${line} NULL INVISIBLE,\n`)
    }
  })

  it("which nanoseconds are cut off, and that a key's bytes are not masked", () => {
    const schema = record("R", ["at", { type: "long", logicalType: "timestamp-nanos" }], ["id", "int"])
    const types = { ...defaultTopicSettings.types, nanos: "datetime" } as const
    const cutOff = "nanoseconds of \"at\" are cut off to microseconds [types.nanos=datetime]"
    assert.deepStrictEqual(plan({ types }, schema).notes, [cutOff])
    assert.deepStrictEqual(plan({ types, fields: rules({ redact: new Set(["at"]) }) }, schema).notes, [])
    const [note] = plan({ metadataColumns: ["_key"], fields: rules({ hash: new Set(["id"]) }) }, schema).notes
    assert.include(note, "column _key holds the record's key as it is")
  })

  it("unique indexes that an upsert may hit", () => {
    const uniqueIndexesAllowed = new Set(["by_email"])
    const settings = { insertMode: "upsert", keyMode: "record_key", uniqueIndexesAllowed } as const
    assert.deepStrictEqual(plan(settings, person, "int").uniqueIndexesAllowed, uniqueIndexesAllowed)
  })
})
