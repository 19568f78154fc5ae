import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Connection } from "mysql2/promise"
import type { Surroundings } from "../../src/programs/execute.js"
import { handlers } from "../../src/programs/handlers.js"
import { program } from "../../src/programs/program.js"
import { ownDatabase, query } from "../integration/mysql/support.js"
import { captured } from "../programs/captured.js"
import { describeWith } from "../servers/index.js"

const avro = (...fields: ReadonlyArray<readonly [string, unknown]>) =>
  JSON.stringify({ type: "record", name: "Order", fields: fields.map(([name, type]) => ({ name, type })) })

const register = (registry: string, subject: string, schema: string) =>
  Effect.promise(async () => {
    const answer = await fetch(`${registry}/subjects/${subject}/versions`, {
      method: "POST",
      headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
      body: JSON.stringify({ schema })
    })
    assert.isTrue(answer.ok, await answer.text())
  })

/** The program with its real layers; what it would print, and its exit code. */
const tributary = (settings: Readonly<Record<string, string>>) => (...argv: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`])
    const surroundings: Surroundings = {
      argv: [...argv, ...set],
      environment: {},
      version: "1.2.3",
      self: ["tributary"]
    }
    const code = yield* program(surroundings, handlers).pipe(
      Effect.withConsole(console),
      Effect.provide(NodeContext.layer)
    )
    return { code, out: out.join("\n"), err: err.join("\n") }
  })

const Planned = Schema.decodeUnknown(Schema.parseJson(Schema.Struct({
  tables: Schema.Array(Schema.Struct({
    topic: Schema.String,
    table: Schema.String,
    version: Schema.NullOr(Schema.Number),
    steps: Schema.Array(Schema.Struct({ kind: Schema.String, cost: Schema.String, sql: Schema.String })),
    refused: Schema.Array(Schema.Struct({ what: Schema.String, cure: Schema.String }))
  })),
  summary: Schema.Struct({ add: Schema.Number, widen: Schema.Number, refused: Schema.Number })
})))

const columns = (admin: Connection, table: string) =>
  query(
    admin,
    "SELECT GROUP_CONCAT(COLUMN_NAME, ' ', COLUMN_TYPE ORDER BY ORDINAL_POSITION) AS c FROM information_schema.COLUMNS"
      + ` WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' AND EXTRA NOT LIKE '%INVISIBLE%'`
  )

describeWith(["registry", "mysql"], "tributary plan and apply", (servers) => {
  const world = Effect.gen(function*() {
    const { admin, database } = yield* ownDatabase(servers.mysql)
    const user = `${database}_p`
    yield* Effect.acquireRelease(
      query(admin, `CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'; GRANT ALL ON ${database}.* TO '${user}'@'%'`),
      () => query(admin, `DROP USER '${user}'@'%'`)
    )
    const topic = `plan-${database}`
    const address = new URL(servers.mysql)
    const run = tributary({
      "kafka.bootstrap.servers": "localhost:1",
      "kafka.topics": topic,
      "kafka.schema.registry.url": servers.registry,
      "mysql.url": `jdbc:mysql://${address.hostname}:${address.port}/${database}`,
      "mysql.username": user,
      "mysql.password": "secret"
    })
    const next = (...fields: ReadonlyArray<readonly [string, unknown]>) =>
      register(servers.registry, `${topic}-value`, avro(...fields))
    return { admin, topic, run, next }
  })

  it.scopedLive(
    "plan shows what the newest schema needs, apply does it, and then nothing is left",
    () =>
      Effect.gen(function*() {
        const { admin, next, run, topic } = yield* world
        yield* next(["id", "long"], ["qty", "int"])
        const first = yield* run("plan", "--check")
        assert.strictEqual(first.code, 2, first.err)
        assert.include(first.out, `CREATE TABLE IF NOT EXISTS \`${topic}\``)
        assert.match(first.out, /^Plan: 1 create, 0 add, .*Apply: tributary apply --yes$/mu)
        assert.strictEqual((yield* run("plan")).code, 0)

        const unasked = yield* run("apply")
        assert.strictEqual(unasked.code, 1)
        assert.include(unasked.err, "--yes")
        assert.deepStrictEqual(yield* columns(admin, topic), [{ c: null }])

        const applied = yield* run("apply", "--yes", "--topic", topic)
        assert.strictEqual(applied.code, 0, applied.err)
        assert.match(applied.err, /1\/1: CREATE TABLE[^]*1\/1: done in/u)
        assert.include(applied.out, "Nothing is left to do.")
        assert.strictEqual((yield* run("plan", "--check")).code, 0)
        assert.deepStrictEqual(yield* columns(admin, topic), [{ c: "id bigint,qty int" }])
      }),
    120_000
  )

  it.scopedLive(
    "a wider type needs its flag, in the plan and in apply; older versions and files can be asked for",
    () =>
      Effect.gen(function*() {
        const { admin, next, run, topic } = yield* world
        yield* next(["id", "long"], ["qty", "int"])
        yield* run("apply", "--yes")
        yield* query(admin, `ALTER TABLE \`${topic}\` ADD COLUMN legacy INT`)
        yield* next(["id", "long"], ["qty", "long"], ["coupon", ["null", "string"]])

        const refused = yield* run("plan", "--check", "--allow-copy")
        assert.strictEqual(refused.code, 2)
        assert.match(refused.out, /^! Column qty is int, .*\. Needs --allow-widen\.$/mu)
        assert.match(refused.out, /^-- Note: column legacy is in the table, not in the schema: kept/mu)
        const stopped = yield* run("apply", "--yes")
        assert.strictEqual(stopped.code, 78)
        assert.include(stopped.err, "MODIFY COLUMN `qty` BIGINT NOT NULL")
        assert.deepStrictEqual(yield* columns(admin, topic), [{ c: "id bigint,qty int,legacy int" }])

        assert.strictEqual((yield* run("plan", "--check", "--schema-version", "1")).code, 0)
        const shown = yield* run("plan", "--allow-widen", "--allow-copy")
        assert.match(shown.out, /^-- Widen qty from int .*\. Copies the table, writers wait: 0 rows, .*$/mu)
        assert.match(shown.out, /^\+ ALTER TABLE .* ADD COLUMN `coupon` LONGTEXT NULL, ALGORITHM=INSTANT;$/mu)
        assert.match(shown.out, /^~ ALTER TABLE .* MODIFY COLUMN `qty` BIGINT NOT NULL, ALGORITHM=COPY;$/mu)
        assert.match(
          shown.out,
          /1 add, 0 relax, 1 widen, 0 refused, 1 notes\..*apply --allow-widen --allow-copy --yes$/mu
        )

        const json = yield* Planned((yield* run("plan", "-o", "json", "--allow-widen", "--allow-copy")).out)
        assert.deepStrictEqual(json.tables.map(({ steps }) => steps.map(({ cost, kind }) => [kind, cost])), [
          [["add", "instant"], ["widen", "copy"]]
        ])
        assert.deepStrictEqual([json.tables[0]?.topic, json.tables[0]?.version, json.summary.refused], [topic, 2, 0])

        // What -o sql prints is what a client can run.
        const { out: sql } = yield* run("-o", "sql", "plan", "--allow-widen", "--allow-copy")
        yield* query(admin, sql)
        assert.strictEqual((yield* run("plan", "--check")).code, 0)
        assert.deepStrictEqual(yield* columns(admin, topic), [{ c: "id bigint,qty bigint,legacy int,coupon longtext" }])
      }),
    120_000
  )

  it.scopedLive(
    "a schema that is not there, and options that want one topic, are told as such",
    () =>
      Effect.gen(function*() {
        const { run, topic } = yield* world
        const missing = yield* run("plan", "--check")
        assert.strictEqual(missing.code, 2, missing.err)
        assert.match(missing.out, new RegExp(`${topic}-value[^]*--topic ${topic} --subject S`, "u"))
        const asked = yield* run("plan", "--subject", `${topic}-other`)
        assert.strictEqual(asked.code, 65)
        assert.include(asked.err, `${topic}-other`)
        const two = yield* run("plan", "--topic", "a", "--topic", "b", "--subject", "s")
        assert.strictEqual(two.code, 64)
        assert.include(two.err, "--subject")
        const file = yield* run("plan", "--schema", "/no/such.avsc")
        assert.strictEqual(file.code, 64)
        assert.include(file.err, "/no/such.avsc")
        assert.strictEqual((yield* run("verify", "-o", "sql")).code, 64)
      }),
    120_000
  )
})
