import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted } from "effect"
import * as fc from "fast-check"
import { renderProblem } from "../../../src/domain/config/ConfigProblem.js"
import { allKeys, environmentName, keys, spellings } from "../../../src/domain/config/keys.js"
import { effectiveSettings, parseClientConfig, parseConfig } from "../../../src/domain/config/parse.js"
import type { ConfigSources } from "../../../src/domain/config/settings.js"
import { parseProperties } from "../../../src/layers/propertiesFile.js"

/** The file that has to work unchanged. */
const walkThrough = `kafka.bootstrap.servers=localhost:9091,localhost:9092,localhost:9093
kafka.topics=dataset1,dataset2,dataset3
kafka.schema.registry.url=http://localhost:8081
max.poll.records=10
poll.interval.ms=100
blocking.queue.size=300
mysql.url=jdbc:mysql://localhost:3306/bank
mysql.username=consumer
mysql.password=consumer1!
mysql.maxPoolSize=50
`
const sourcesOf = (text: string, rest: Partial<ConfigSources> = {}): ConfigSources => ({
  files: [{ name: "consumer.properties", entries: parseProperties(text) }],
  environment: {},
  secrets: new Map(),
  overrides: [],
  ...rest
})
const set = (name: string, value: string) => ({ name, value, source: "--set" })
const configOf = (sources: ConfigSources) =>
  Either.getOrThrowWith(parseConfig(sources), (problems) => new Error(problems.map(renderProblem).join("\n")))
const problemsOf = (sources: ConfigSources) =>
  Either.match(parseConfig(sources), { onLeft: (problems) => problems.map(renderProblem), onRight: () => [] })

describe("the walk-through's property file", () => {
  it("is understood as it is, every key of it", () => {
    const config = configOf(sourcesOf(walkThrough))
    assert.deepStrictEqual(config.bootstrapServers, ["localhost:9091", "localhost:9092", "localhost:9093"])
    assert.deepStrictEqual(config.topics, ["dataset1", "dataset2", "dataset3"])
    assert.deepStrictEqual(config.registryUrls, ["http://localhost:8081"])
    assert.strictEqual(config.maxPollRecords, 10)
    assert.strictEqual(config.pollIntervalMs, 100)
    assert.strictEqual(config.blockingQueueSize, 300)
    assert.deepInclude(config.mysql, {
      kind: "mysql" as const,
      host: "localhost",
      port: 3306,
      database: "bank",
      username: "consumer",
      maxPoolSize: 50
    })
    assert.isTrue(config.mysql.kind === "mysql" && Redacted.value(config.mysql.password) === "consumer1!")
  })
})

describe("precedence", () => {
  it("is default, files in order, environment, --set", () => {
    const files = [
      { name: "a", entries: parseProperties(`${walkThrough}linger.ms=1\nbatch.max.rows=1`) },
      { name: "b", entries: parseProperties("linger.ms=2\nbatch.max.rows=2") }
    ]
    const environment = { TRIBUTARY_BATCH_MAX_ROWS: "3", TRIBUTARY_SHUTDOWN_TIMEOUT_MS: "3000" }
    const overrides = [set("shutdown.timeout.ms", "4000")]
    const config = configOf({ files, environment, secrets: new Map(), overrides })
    assert.strictEqual(config.retryBackoffMs, 100)
    assert.strictEqual(config.lingerMs, 2)
    assert.strictEqual(config.batchMaxRows, 3)
    assert.strictEqual(config.shutdownTimeoutMs, 4000)
  })

  it("lets another spelling of a key in a later source win", () => {
    const environment = { TRIBUTARY_SESSION_TIMEOUT_MS: "7000" }
    assert.strictEqual(
      configOf(sourcesOf(`${walkThrough}kafka.session.timeout.ms=9000`, { environment })).sessionTimeoutMs,
      7000
    )
  })

  it("takes a secret from the file that the environment names, without its trailing newline", () => {
    const environment = { TRIBUTARY_MYSQL_PASSWORD_FILE: "/run/secrets/password" }
    const secrets = new Map([["/run/secrets/password", "from file\n"]])
    const { mysql } = configOf(sourcesOf(walkThrough, { environment, secrets }))
    assert.isTrue(mysql.kind === "mysql" && Redacted.value(mysql.password) === "from file")
  })
})

describe("everything that is wrong is listed at once", () => {
  it("with key, value, place and what is expected", () => {
    const text = `kafka.bootstrap.server=localhost:9092
kafka.topics=dataset1,dataset1
kafka.schema.registry.url=localhost:8081
max.poll.records=ten
# a comment
blocking.queue.size=0
mysql.url=postgres://localhost/bank
poll.interval.ms=100
poll.interval.ms=200
enable.auto.commit=true
`
    assert.deepStrictEqual(problemsOf(sourcesOf(text, { environment: { TRIBUTARY_LOG_LEVEL: "loud" } })), [
      "TRB-1001 kafka.bootstrap.server (consumer.properties:1): unknown key; did you mean kafka.bootstrap.servers?",
      "TRB-1004 poll.interval.ms (consumer.properties:8 and consumer.properties:9): is set twice; keep one",
      "TRB-1003 kafka.topics=dataset1,dataset1 (consumer.properties:2): not understood; " +
      "expected topic names (letters, digits, . _ -) between commas, none twice",
      "TRB-1003 kafka.schema.registry.url=localhost:8081 (consumer.properties:3): not understood; " +
      "expected http(s)://host:port/path,… without user or password (or one file: URL, embedded)",
      "TRB-1003 kafka.enable.auto.commit=true (consumer.properties:10): not understood; " +
      "expected false: offsets live in MySQL",
      "TRB-1003 blocking.queue.size=0 (consumer.properties:6): not understood; " +
      "expected a whole number from 1 to 10000000",
      "TRB-1003 max.poll.records=ten (consumer.properties:4): not understood; " +
      "expected a whole number from 1 to 1000000",
      "TRB-1002 kafka.bootstrap.servers: missing; expected host:port,host:port,… (or one file: URL, embedded), " +
      "in a file (-c), as TRIBUTARY_KAFKA_BOOTSTRAP_SERVERS or by --set",
      "TRB-1003 log.level=loud (TRIBUTARY_LOG_LEVEL): not understood; expected one of debug, info, warn, error",
      "TRB-1003 mysql.url=postgres://… (consumer.properties:7): not understood; " +
      "expected jdbc:mysql://host:port/database, mysql://user:password@host:port/database (percent-encoded) " +
      "or libsql:file:PATH (embedded)"
    ])
  })

  it.each([
    ["both spellings in one source", ["session.timeout.ms=7000", "kafka.session.timeout.ms=8000"], /1004.*as session/],
    ["a heartbeat too slow for the session", ["heartbeat.interval.ms=3000"], /TRB-1005.*at most a third of/],
    ["a slice larger than its queue", ["max.poll.records=400"], /TRB-1005 max.poll.records=400/],
    ["a back-off that starts above its end", ["retry.backoff.ms=6000"], /TRB-1005 retry.backoff.ms=6000/],
    ["one fetch larger than the queue's bytes", ["queue.max.bytes=100000"], /TRB-1005 queue.max.bytes/],
    ["a table name that MySQL cannot take", [`table.name.format=${"t".repeat(60)}_\${topic}`], /at most 64/],
    ["a broker beside a file: URL", ["bootstrap.servers=file:log,a:1"], /TRB-1005.*either brokers or one file: URL/],
    ["two accounts", ["mysql.url=mysql://other@localhost/bank"], /TRB-1004 mysql.username.*differs from/],
    ["a URL that demands encryption", ["mysql.url=jdbc:mysql://h/bank?sslMode=VERIFY_CA"], /VERIFY_CA demands an encr/]
  ])("%s is refused", (_, settings, expected) => {
    const overrides = settings.map((setting) => set(setting.replace(/=.*/s, ""), setting.replace(/^[^=]*=/, "")))
    assert.match(problemsOf(sourcesOf(walkThrough, { overrides })).join("\n"), expected)
  })

  it("an embedded layer among real servers is refused, all three are accepted", () => {
    const embedded = [
      set("kafka.bootstrap.servers", "file:.tributary/log"),
      set("kafka.schema.registry.url", "file:.tributary/schemas"),
      set("mysql.url", "libsql:file:.tributary/tributary.db")
    ]
    assert.deepStrictEqual(configOf(sourcesOf(walkThrough, { overrides: embedded })).mysql, {
      kind: "libsql",
      file: ".tributary/tributary.db"
    })
    for (const only of embedded) {
      assert.match(problemsOf(sourcesOf(walkThrough, { overrides: [only] })).join(), /TRB-1005.*all three embedded/)
    }
  })

  it("a variable that only looks like ours is left alone, a misspelt one is not", () => {
    const environment = { TRIBUTARY_PORT: "tcp://10.0.0.1:80", TRIBUTARY_TEST_REQUIRE: "kafka" }
    assert.deepStrictEqual(problemsOf(sourcesOf(walkThrough, { environment })), [])
    assert.deepStrictEqual(problemsOf(sourcesOf(walkThrough, { environment: { TRIBUTARY_MYSQL_PASWORD: "x" } })), [
      "TRB-1001 TRIBUTARY_MYSQL_PASWORD (environment): unknown key; did you mean TRIBUTARY_MYSQL_PASSWORD?"
    ])
  })

  it("a secret given both as text and as a file is refused, and so is a file that cannot be read", () => {
    const environment = { TRIBUTARY_MYSQL_PASSWORD: "a", TRIBUTARY_MYSQL_PASSWORD_FILE: "/x" }
    const both = problemsOf(sourcesOf(walkThrough, { environment, secrets: new Map([["/x", "b"]]) }))
    assert.deepStrictEqual(both, [
      "TRB-1004 mysql.password (TRIBUTARY_MYSQL_PASSWORD and TRIBUTARY_MYSQL_PASSWORD_FILE): is set twice: " +
      "as TRIBUTARY_MYSQL_PASSWORD and as TRIBUTARY_MYSQL_PASSWORD_FILE; keep one"
    ])
    assert.match(problemsOf(sourcesOf(walkThrough, { environment: { TRIBUTARY_MYSQL_URL_FILE: "/y" } })).join(), /1006/)
  })
})

describe("commands that use Kafka alone", () => {
  it("need no database and no topics, but what is given must be right", () => {
    const text = "kafka.bootstrap.servers=localhost:9092\nkafka.schema.registry.url=http://localhost:8081\n"
    assert.isTrue(Either.isRight(parseClientConfig(sourcesOf(text))))
    assert.isTrue(Either.isLeft(parseClientConfig(sourcesOf(`${text}mysql.url=nonsense`))))
  })
})

describe("defaults", () => {
  it("are what their own keys accept", () => {
    assert.deepStrictEqual(problemsOf(sourcesOf(walkThrough)), [])
  })

  it("of max.poll.records follow a smaller queue", () => {
    assert.strictEqual(configOf(sourcesOf(walkThrough.replace("max.poll.records=10\n", ""))).maxPollRecords, 300)
  })
})

describe("names", () => {
  it("of variables are one-to-one with all spellings of all keys", () => {
    const names = Array.from(spellings.keys())
    assert.strictEqual(names.length, allKeys.reduce((sum, spec) => sum + 1 + spec.aliases.length, 0))
    const variables = new Set(names.flatMap((name) => [environmentName(name), `${environmentName(name)}_FILE`]))
    assert.strictEqual(variables.size, 2 * names.length)
    for (const name of names) assert.match(name, /^[a-zA-Z0-9.]+$/)
  })

  it("of keys differ by more than case and dots, so that the map stays one-to-one for any two", () => {
    const segment = fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/)
    const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("."))
    fc.assert(fc.property(name, name, (a, b) => {
      assert.strictEqual(environmentName(a) === environmentName(b), a.toLowerCase() === b.toLowerCase())
    }))
  })
})

describe("a secret", () => {
  // What a person may do with a password: put it where it belongs, in a URL, beside a misspelt key, twice.
  const places: ReadonlyArray<(secret: string) => Partial<ConfigSources>> = [
    (secret) => ({ overrides: [set("mysql.password", secret)] }),
    (secret) => ({ overrides: [set("mysql.pasword", secret)] }),
    (secret) => ({ overrides: [set("mysql.url", `mysql://me:${secret}@host:3306/bank`)] }),
    (secret) => ({ overrides: [set("mysql.url", `mysql://me:${encodeURIComponent(secret)}@host:1/bank`)] }),
    (secret) => ({ overrides: [set("mysql.url", `jdbc:mysql://host:3306/bank?user=me&password=${secret}`)] }),
    (secret) => ({ overrides: [set("mysql.url", `jdbc:mysql//me:${secret}`)] }),
    (secret) => ({ overrides: [set("kafka.schema.registry.url", `http://me:${secret}@host:8081`)] }),
    (secret) => ({ overrides: [set("kafka.bootstrap.servers", `me:${secret}@host:9092`)] }),
    (secret) => ({ overrides: [set("mysql.url", `jdbc:mysql://host?password=${secret}`)] }),
    (secret) => ({ environment: { TRIBUTARY_MYSQL_PASSWORD: secret, TRIBUTARY_CONNECTION_PASSWORD: secret } }),
    (secret) => ({ environment: { TRIBUTARY_MYSQL_PASSWRD: secret, TRIBUTARY_MYSQL_PASSWORD_FILE: "/x" } }),
    (secret) => ({ environment: { TRIBUTARY_MYSQL_PASSWORD_FILE: "/x" }, secrets: new Map([["/x", secret]]) })
  ]
  const neverShown = (secret: string, place: typeof places[number], complete: boolean) => {
    const sources = sourcesOf(complete ? walkThrough : "mysql.username=me", place(secret))
    const shown = [
      ...problemsOf(sources),
      JSON.stringify(effectiveSettings(sources)),
      JSON.stringify(Either.getOrUndefined(parseConfig(sources)))
    ]
    assert.notInclude(shown.join("\n"), "SENTINEL")
  }

  it("appears in no problem and in no output of `config show`, wherever it was written", () => {
    const secret = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([a, b]) =>
      `${a}SENTINEL${b}`
    )
    fc.assert(fc.property(secret, fc.constantFrom(...places), fc.boolean(), neverShown), { numRuns: 500 })
  })

  // Found by the property above: unencoded, each makes a URL of another meaning.
  it.each([
    "/SENTINEL",
    "/SENTINEL?",
    "3306/SENTINEL?",
    "@SENTINEL",
    ",SENTINEL",
    "#SENTINEL",
    "%SENTINEL",
    "\\SENTINEL"
  ])(
    "is not shown when it reads %s",
    (secret) => {
      for (const place of places) {
        neverShown(secret, place, true)
        neverShown(secret, place, false)
      }
    }
  )

  it("has no default that could be printed", () => {
    for (const spec of allKeys) if (spec.secret) assert.isUndefined(spec.fallback)
    assert.strictEqual(keys.mysqlPassword.display("x"), "<redacted>")
  })
})
