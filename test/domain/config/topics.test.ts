import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { matches, settingsOf, tableOf } from "../../../src/domain/Config.js"
import { renderProblem } from "../../../src/domain/config/ConfigProblem.js"
import { effectiveSettings, parseClientConfig, parseConfig } from "../../../src/domain/config/parse.js"
import { type ConfigSources, namedFiles } from "../../../src/domain/config/settings.js"
import { defaultTopicSettings } from "../../../src/domain/TopicSettings.js"
import { parseProperties } from "../../../src/layers/propertiesFile.js"

const base = `kafka.bootstrap.servers=localhost:9092
kafka.schema.registry.url=http://localhost:8081
mysql.url=mysql://me:secret@localhost/bank
`
const orders = `${base}kafka.topics=orders,shop.orders,payments
`
const sourcesOf = (text: string, rest: Partial<ConfigSources> = {}): ConfigSources => ({
  files: [{ name: "file", entries: parseProperties(text) }],
  environment: {},
  secrets: new Map(),
  overrides: [],
  ...rest
})
const configOf = (text: string, rest: Partial<ConfigSources> = {}) =>
  Either.getOrThrowWith(
    parseConfig(sourcesOf(text, rest)),
    (problems) => new Error(problems.map(renderProblem).join("\n"))
  )
const problemsOf = (text: string, rest: Partial<ConfigSources> = {}) =>
  Either.match(parseConfig(sourcesOf(text, rest)), {
    onLeft: (problems) => problems.map(renderProblem),
    onRight: () => []
  })
const set = (name: string, value: string) => ({ name, value, source: "--set" })

describe("settings of topics", () => {
  it("are the defaults where nothing is said", () => {
    const { tables } = configOf(orders)
    assert.deepStrictEqual(tables, { defaults: defaultTopicSettings, byTopic: new Map() })
  })

  it("have a key each", () => {
    const text = `${orders}table.name.format=t_\${topic}_\${record}
insert.mode=upsert
pk.mode=record_value
pk.fields=id, region
tombstones=dead-letter
unique.indexes.allowed=by_mail
fields.whitelist=id,region,mail,secret,mobile
fields.exclude=note
fields.rename=mail:e_mail,mobile:phone
fields.hash=mail
fields.redact=secret
nested.mode=flatten
types.float=float
types.enum=enum
types.uuid=binary
types.nanos=datetime
types.decimal.beyond=varchar
metadata.columns=partition,timestamp,_schema_id
key.format=string
value.format=json
key.wire.format=apicurio
value.wire.format=apicurio
record.max.bytes=1048576
value.schema=value.avsc
value.reader.schema=reader.avsc
schema.evolution=widen
schema.evolution.allow.copy=true
errors=stop
errors.max.rate=0.01
fk.wait.ms=0
`
    const contents = new Map([["value.avsc", "{\"type\":\"string\"}"], ["reader.avsc", "\"long\""]])
    assert.deepStrictEqual(namedFiles(sourcesOf(text)), ["value.avsc", "reader.avsc"])
    assert.deepStrictEqual(configOf(text, { contents }).tables.defaults, {
      tableNameFormat: "t_${topic}_${record}",
      table: undefined,
      insertMode: "upsert",
      keyMode: "record_value",
      keyFields: ["id", "region"],
      deleteEnabled: false,
      tombstones: "dead-letter",
      uniqueIndexesAllowed: new Set(["by_mail"]),
      fields: {
        include: new Set(["id", "region", "mail", "secret", "mobile"]),
        exclude: new Set(["note"]),
        rename: new Map([["mail", "e_mail"], ["mobile", "phone"]]),
        hash: new Set(["mail"]),
        redact: new Set(["secret"])
      },
      types: {
        float: "float",
        enumeration: "enum",
        uuid: "binary",
        nanos: "datetime",
        nested: "flatten",
        wideDecimal: "varchar"
      },
      metadataColumns: ["_timestamp", "_schema_id"],
      keyFormat: "string",
      valueFormat: "json",
      keyWireFormat: "apicurio",
      valueWireFormat: "apicurio",
      recordMaxBytes: 1_048_576,
      keySchema: undefined,
      valueSchema: "{\"type\":\"string\"}",
      valueReaderSchema: "\"long\"",
      evolution: { mode: "widen", allowCopy: true },
      errors: { records: "stop", maxRate: 0.01, foreignKeyWaitMs: 0 }
    })
  })

  it("can be said of one topic, whose name may hold dots, and leave the others as they are", () => {
    const config = configOf(`${orders}fields.exclude=note
table.shop.orders.insert.mode=upsert
table.shop.orders.pk.mode=record_key
table.shop.orders.fields.exclude=
table.payments.table.name.format=paid
`)
    assert.deepInclude(settingsOf(config, "shop.orders"), { insertMode: "upsert", keyMode: "record_key" })
    assert.deepStrictEqual(settingsOf(config, "shop.orders").fields.exclude, new Set<string>())
    assert.deepStrictEqual(settingsOf(config, "payments").fields.exclude, new Set(["note"]))
    assert.deepInclude(settingsOf(config, "orders"), { insertMode: "insert", keyMode: "none" })
    assert.deepStrictEqual(["orders", "shop.orders", "payments"].map((topic) => tableOf(config, topic)), [
      "orders",
      "shop.orders",
      "paid"
    ])
  })

  it("of one topic obey the precedence of sources, and are shown with where they come from", () => {
    const text = `${orders}table.orders.errors=stop\ntable.orders.errors.max.rate=1\n`
    const overrides = [set("table.orders.errors.max.rate", "0.25")]
    const { errors } = settingsOf(configOf(text, { overrides }), "orders")
    assert.deepStrictEqual([errors.records, errors.maxRate], ["stop", 0.25])
    const shown = effectiveSettings(sourcesOf(text, { overrides }))
    assert.deepStrictEqual(shown.slice(-2), [
      { key: "table.orders.errors", value: "stop", source: "file:5" },
      { key: "table.orders.errors.max.rate", value: "0.25", source: "--set" }
    ])
  })

  it("that are wrong are listed at once, each where it was written", () => {
    const text = `${orders}errors.max.rate=1.5
table.orders.insert.mod=upsert
table.orders.insert.mode=replace
topic.my.orders.pk.mode=record_key
table.orders.batch.max.rows=1
table.payment.errors=stop
fields.rename=a:b,a:c
value.schema=missing.avsc
table.orders.key.schema=bad.avsc
table.orders.errors=stop
table.orders.errors=stop
`
    const contents = new Map([["bad.avsc", "{"]])
    assert.deepStrictEqual(problemsOf(text, { contents }), [
      "TRB-1001 table.orders.insert.mod (file:6): unknown key; did you mean table.orders.insert.mode?",
      "TRB-1001 topic.my.orders.pk.mode (file:8): unknown key; did you mean table.my.orders.pk.mode?",
      "TRB-1001 table.orders.batch.max.rows (file:9): cannot be said of one topic; leave out table and the topic",
      "TRB-1004 table.orders.errors (file:14 and file:15): is set twice; keep one",
      "TRB-1003 fields.rename=a:b,a:c (file:11): not understood; expected field:column,field:column,… or nothing",
      "TRB-1006 value.schema=missing.avsc (file:12): cannot be read; expected a file with an Avro schema, or nothing",
      "TRB-1003 errors.max.rate=1.5 (file:5): not understood; expected a number from 0 to 1",
      "TRB-1003 table.orders.insert.mode=replace (file:7): not understood; expected one of insert, upsert",
      "TRB-1003 table.orders.key.schema=bad.avsc (file:13): not understood; expected a file with an Avro schema, or nothing",
      "TRB-1005 table.payment.errors (file:10): topic payment is not read; did you mean payments?"
    ])
  })

  it.each([
    ["an upsert without a key", "insert.mode=upsert", /1005 insert.mode=upsert \(file:5\): an upsert needs a key/],
    [
      "an upsert without a key, of one topic",
      "table.orders.insert.mode=upsert",
      /1005 table.orders.insert.mode=upsert/
    ],
    ["a key of no field", "pk.mode=record_value", /1005 pk.mode=record_value .*expected pk.fields/],
    ["a delete without the record's key", "delete.enabled=true", /1005 delete.enabled=true .*by the record's key/],
    [
      "a delete from a table for each record type",
      "delete.enabled=true\ninsert.mode=upsert\npk.mode=record_key\ntable.orders.table.name.format=o_${record}",
      /1005 table.orders.table.name.format=o_\$\{record\} .*no record type/
    ],
    [
      "JSON without a schema",
      "table.orders.value.format=json",
      /table.orders.value.format=json .*expected value.schema/
    ],
    ["JSON keys without a schema", "key.format=json", /key.format=json .*expected key.schema/],
    ["a topic that nobody reads", "table.order.errors=stop", /table.order.errors .*is not read; did you mean orders/],
    ["a mapped topic that nobody reads", "topic.to.table.map=other:t", /topic.to.table.map .*topic other is not read/],
    [
      "two names for a table",
      "topic.to.table.map=orders:t\ntable.orders.table.name.format=u",
      /names the table.*already/
    ],
    [
      "all topics in one table",
      "table.name.format=all",
      /topics orders, shop.orders, payments would meet in table all/
    ],
    [
      "a topic in another's table",
      "topic.to.table.map=payments:ORDERS",
      /topics orders, payments would meet in table or/
    ],
    [
      "a name too long",
      `table.orders.table.name.format=${"t".repeat(65)}`,
      /table.orders.table.name.format.*65 charact/
    ],
    [
      "a field that is taken in and left out",
      "fields.include=id,note\nfields.exclude=x,note",
      /1005 fields.exclude=x,note \(file:6\): both take in and leave out note; expected each field in fields.include or/
    ],
    [
      "a field of one topic that is left out, and taken in of all",
      "fields.include=id,note\ntable.orders.fields.exclude=note",
      /1005 table.orders.fields.exclude=note /
    ],
    [
      "a field that is hashed and redacted",
      "fields.hash=mail,name\nfields.redact=name,mail",
      /1005 fields.hash=mail,name .*both hash and redact mail, name;/
    ],
    ["two fields of one name", "fields.rename=x:Z,y:a,w:z", /1005 fields.rename=.*several fields would be called z;/],
    [
      "an unknown placeholder",
      "table.name.format=t_${topik}",
      /1003 table.name.format=t_\$\{topik\} .*expected .*\$\{topic\}/
    ],
    ["a regex beside topics", "kafka.topics.regex=o.*", /1005 kafka.topics.regex=o\.\* .*stands beside kafka.topics/],
    ["an exclusion that is no regex", "kafka.topics.exclude=o(", /1003 kafka.topics.exclude=o\( .*a regular expression/]
  ])("%s is refused", (_, lines, expected) => {
    const problems = problemsOf(`${orders}${lines}\n`)
    assert.lengthOf(problems, 1, problems.join("\n"))
    assert.match(problems.join("\n"), expected)
  })

  it.each([
    [
      "a value of another key is not understood",
      "insert.mode=upsert\nerrors.max.rate=2",
      ["errors.max.rate=2", "insert.mode=upsert"]
    ],
    [
      "another key is unknown, and the database is wrong",
      "mysql.url=a\nkafka.topcs=a\ntable.name.format=all",
      ["kafka.topcs", "mysql.url", "table.name.format=all"]
    ],
    ["no topic is named", "kafka.topics=\ninsert.mode=upsert", ["kafka.topics=", "insert.mode=upsert"]],
    [
      "numbers do not fit, beside one that is none",
      "session.timeout.ms=x\nretry.backoff.ms=6000",
      ["kafka.session.timeout.ms=x", "retry.backoff.ms=6000"]
    ]
  ])("that contradict each other are told beside what else is wrong: %s", (_, lines, expected) => {
    const overrides = lines.split("\n").map((line) =>
      set(line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1))
    )
    const problems = problemsOf(orders, { overrides })
    assert.lengthOf(problems, expected.length, problems.join("\n"))
    for (const subject of expected) assert.isTrue(problems.some((each) => each.includes(` ${subject}`)), subject)
  })

  it.each([
    ["a mode", "insert.mode=upsert\npk.mode=key", "pk.mode=key"],
    [
      "a mode of one topic",
      "insert.mode=upsert\npk.mode=record_key\ntable.orders.pk.mode=key",
      "table.orders.pk.mode=key"
    ],
    ["a file", "value.format=json\nvalue.schema=none.avsc", "value.schema=none.avsc"],
    ["a map", "table.name.format=all\ntopic.to.table.map=orders", "topic.to.table.map=orders"],
    [
      "brokers",
      "kafka.bootstrap.servers=file:a b c,\nkafka.schema.registry.url=file:r",
      "kafka.bootstrap.servers=file:a b c,"
    ],
    ["topics", "kafka.topics=a b\ninsert.mode=upsert\ntable.orders.pk.mode=record_key", "kafka.topics=a b"],
    ["a limit", "queue.max.bytes=x\nmax.partition.fetch.bytes=9999999", "queue.max.bytes=x"]
  ])("do not contradict what was not understood: %s", (_, lines, expected) => {
    const overrides = lines.split("\n").map((line) =>
      set(line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1))
    )
    const problems = problemsOf(orders, { overrides })
    assert.lengthOf(problems, 1, problems.join("\n"))
    assert.include(problems.join(), ` ${expected} `)
  })

  it("several topics may share a table where each of them says so", () => {
    const config = configOf(`${orders}topic.to.table.map=orders:all_orders,shop.orders:all_orders
table.payments.table.name.format=all_orders
`)
    assert.deepStrictEqual(new Set(config.topics.map((topic) => tableOf(config, topic))), new Set(["all_orders"]))
  })

  it("of a topic that a later source leaves out are no mistake, nor of any where no topic is named", () => {
    const text = `${orders}table.payments.errors=stop\n`
    assert.deepStrictEqual(problemsOf(text, { overrides: [set("kafka.topics", "orders")] }), [])
    assert.isTrue(Either.isRight(parseClientConfig(sourcesOf(`${base}table.payments.errors=stop\n`))))
  })

  it("may be upserts one by one, without a word about all", () => {
    assert.deepStrictEqual(
      problemsOf(`${base}kafka.topics=orders\ninsert.mode=upsert\ntable.orders.pk.mode=record_key\n`),
      []
    )
  })
})

describe("topics by a pattern", () => {
  it("are those that match as a whole and are not excluded; by default not those of others", () => {
    const { topicPattern, topics } = configOf(`${base}kafka.topics.regex=shop\\\\..*|_schemas|orders\n`)
    assert.isEmpty(topics)
    if (topicPattern === undefined) return assert.fail("there is a pattern")
    const all = ["shop.orders", "shopping", "orders", "orders2", "_schemas"]
    assert.deepStrictEqual(all.filter((topic) => matches(topicPattern, topic)), ["shop.orders", "orders"])
    const { topicPattern: other } = configOf(`${base}topics.regex=.*\ntopics.exclude=.*2\n`)
    assert.deepStrictEqual(other && all.filter((topic) => matches(other, topic)), [
      "shop.orders",
      "shopping",
      "orders",
      "_schemas"
    ])
  })

  it("can have settings of their own, if they match", () => {
    const text = `${base}kafka.topics.regex=shop.*\n`
    assert.deepStrictEqual(problemsOf(`${text}table.shop1.errors=stop\n`), [])
    assert.match(problemsOf(`${text}table.other.errors=stop\n`).join(), /topic other is not read; expected a topic of/)
    assert.match(problemsOf(`${text}table.name.format=t\n`).join(), /all topics would meet in one table/)
  })

  it("are given up for names by an empty pattern", () => {
    const overrides = [set("kafka.topics.regex", ""), set("kafka.topics", "orders")]
    assert.deepStrictEqual(configOf(`${base}kafka.topics.regex=.*\n`, { overrides }).topics, ["orders"])
  })
})
