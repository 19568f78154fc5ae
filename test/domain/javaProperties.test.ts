import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { renderProblem } from "../../src/domain/config/ConfigProblem.js"
import { readConsumerProperties } from "../../src/domain/consumerProperties.js"
import { javaConsumer, javaProducer } from "../../src/domain/javaKeys.js"
import type { PropertySources } from "../../src/domain/javaProperties.js"
import { readProducerProperties } from "../../src/domain/producerProperties.js"

const nothing: PropertySources = { files: [], properties: [], flags: [] }
const properties = (...said: ReadonlyArray<string>): PropertySources => ({ ...nothing, properties: said })
const file = (name: string, ...lines: ReadonlyArray<readonly [key: string, value: string]>) => ({
  name,
  entries: lines.map(([key, value], index) => ({ key, value, line: index + 1 }))
})
const flag = (name: string, key: string, value: string) => ({ flag: `${name} ${value}`, key, value })

const problemsOf = (answer: Either.Either<unknown, ReadonlyArray<Parameters<typeof renderProblem>[0]>>) =>
  Either.match(answer, { onLeft: (problems) => problems.map(renderProblem), onRight: () => [] })
const producer = (sources: PropertySources) => Either.getOrThrow(readProducerProperties(sources))
const producerProblems = (...said: ReadonlyArray<string>) => problemsOf(readProducerProperties(properties(...said)))
const consumer = (sources: PropertySources) => Either.getOrThrow(readConsumerProperties(sources))
const consumerProblems = (...said: ReadonlyArray<string>) => problemsOf(readConsumerProperties(properties(...said)))

describe("the Java client's properties", () => {
  it("are the keys of the documentation, on both sides", () => {
    assert.deepStrictEqual(
      javaProducer.properties.map(({ key }) => key).join(" "),
      "bootstrap.servers key.serializer value.serializer acks buffer.memory enable.idempotence " +
        "max.in.flight.requests.per.connection batch.size linger.ms compression.type retries retry.backoff.ms " +
        "request.timeout.ms transactional.id transaction.timeout.ms"
    )
    assert.deepStrictEqual(
      javaConsumer.properties.map(({ key }) => key).join(" "),
      "bootstrap.servers key.deserializer value.deserializer fetch.min.bytes fetch.max.bytes group.id " +
        "session.timeout.ms heartbeat.interval.ms enable.auto.commit auto.commit.interval.ms auto.offset.reset " +
        "isolation.level max.poll.records"
    )
  })

  it("have the Java client's defaults", () => {
    assert.deepStrictEqual(producer(nothing), {
      settings: {
        bootstrapServers: undefined,
        keyFormat: "string",
        valueFormat: "string",
        acks: "all",
        bufferMemory: 33_554_432,
        enableIdempotence: true,
        maxInFlight: 5,
        batchSize: 16_384,
        lingerMs: 5,
        compression: "none",
        retries: 15,
        retryBackoffMs: 100,
        requestTimeoutMs: 30_000,
        transactionalId: undefined,
        transactionTimeoutMs: 60_000
      },
      given: new Map(),
      warnings: []
    })
    assert.deepStrictEqual(consumer(nothing), {
      settings: {
        bootstrapServers: undefined,
        keyFormat: "string",
        valueFormat: "string",
        fetchMinBytes: 1,
        fetchMaxBytes: 52_428_800,
        groupId: undefined,
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 3_000,
        enableAutoCommit: true,
        autoCommitIntervalMs: 5_000,
        autoOffsetReset: "latest",
        isolation: "read_uncommitted",
        maxPollRecords: 500
      },
      given: new Map(),
      warnings: []
    })
  })

  it("come from files, in order, then from --property, the last one winning", () => {
    const { given, settings } = producer({
      files: [file("a.properties", ["acks", "1"], ["linger.ms", "7"]), file("b.properties", ["linger.ms", " 8 "])],
      properties: ["acks=0", " acks = -1"],
      flags: []
    })
    assert.strictEqual(settings.acks, "all")
    assert.strictEqual(settings.lingerMs, 8)
    assert.deepStrictEqual(given.get("linger.ms"), { text: "8", source: "b.properties:1" })
  })

  const classes = [
    ["org.apache.kafka.common.serialization.StringSerializer", "string"],
    ["org.apache.kafka.common.serialization.ByteArraySerializer", "bytes"],
    ["io.confluent.kafka.serializers.KafkaAvroSerializer", "avro"],
    ["StringSerializer", "string"]
  ] as const
  for (const [name, format] of classes) {
    it(`${name} is the format ${format}, and so is its deserializer`, () => {
      assert.strictEqual(producer(properties(`value.serializer=${name}`)).settings.valueFormat, format)
      assert.strictEqual(producer(properties(`key.serializer=${name}`)).settings.keyFormat, format)
      const deserializer = name.replace("Serializer", "Deserializer")
      assert.strictEqual(consumer(properties(`value.deserializer=${deserializer}`)).settings.valueFormat, format)
    })
  }

  it("a deserializer where a serializer belongs is refused with the classes that are known", () => {
    assert.deepStrictEqual(producerProblems("key.serializer=a.b.StringDeserializer"), [
      "TRB-1003 key.serializer=a.b.StringDeserializer (--property): not understood; expected one of " +
      "StringSerializer, ByteArraySerializer, ByteBufferSerializer, BytesSerializer, KafkaAvroSerializer " +
      "(with its package or without)"
    ])
  })

  const misspelt = [
    ["asks=all", "acks"],
    ["buffer.byte=1", "buffer.memory"],
    ["linger=5", "linger.ms"],
    ["bootstrap.server=a:1", "bootstrap.servers"],
    ["max.in.flight.request.per.connection=5", "max.in.flight.requests.per.connection"]
  ] as const
  for (const [said, meant] of misspelt) {
    it(`${said} is told the right key`, () => {
      const [key] = said.split("=")
      assert.deepStrictEqual(producerProblems(said), [
        `TRB-1001 ${key} (--property): unknown key of a producer; did you mean ${meant}?`
      ])
    })
  }

  it("heartbeat.internval.ms is told the right key", () => {
    assert.deepStrictEqual(consumerProblems("heartbeat.internval.ms=3000"), [
      "TRB-1001 heartbeat.internval.ms (--property): unknown key of a consumer; did you mean heartbeat.interval.ms?"
    ])
  })

  it("a key of the other side says whose it is, and its value is not shown", () => {
    const [problem = ""] = producerProblems("group.id=secret")
    assert.match(problem, /^TRB-1001 group\.id \(--property\): is a key of a consumer, for tributary read; there are: /)
    assert.notInclude(problem, "secret")
  })

  it("all that is wrong is told at once", () => {
    const answer = readProducerProperties({
      files: [file("p.properties", ["acks", "2"], ["linger.ms", "1"], ["linger.ms", "2"])],
      properties: ["nonsense", "retries=-1"],
      flags: []
    })
    assert.deepStrictEqual(problemsOf(answer), [
      "TRB-1004 linger.ms (p.properties:3): is set twice; keep one",
      "TRB-1003 --property=nonsense…: not understood; expected --property KEY=VALUE",
      "TRB-1003 acks=2 (p.properties:1): not understood; expected one of 0, 1, all, -1 (the same as all)",
      "TRB-1003 retries=-1 (--property): not understood; expected a whole number from 0 to 2147483647"
    ])
  })

  it("an option that says the same is taken, and one that contradicts is named with the property", () => {
    const said = (value: string) =>
      readProducerProperties({ ...properties("acks=-1"), flags: [flag("--acks", "acks", value)] })
    assert.strictEqual(Either.getOrThrow(said("all")).settings.acks, "all")
    assert.deepStrictEqual(problemsOf(said("1")), ["TRB-1004 acks=-1 (--property): contradicts --acks 1; keep one"])
    const commit = { flag: "--commit sync", key: "enable.auto.commit", value: "false" }
    assert.deepStrictEqual(
      problemsOf(readConsumerProperties({ ...properties("enable.auto.commit=true"), flags: [commit] })),
      ["TRB-1004 enable.auto.commit=true (--property): contradicts --commit sync; keep one"]
    )
  })
})

describe("combinations that cannot work", () => {
  const refused = [
    [["enable.idempotence=true", "acks=1"], /^TRB-1005 acks=1 .*a leader that alone has a batch.*expected acks=all$/],
    [
      ["enable.idempotence=true", "max.in.flight.requests.per.connection=6"],
      /^TRB-1005 max\.in\..*=6 .*the last five batches.*at most 5$/
    ],
    [["enable.idempotence=true", "retries=0"], /^TRB-1005 retries=0 .*expected retries at least 1$/],
    [["transactional.id=t", "enable.idempotence=false"], /^TRB-1005 enable\.idempotence=false .*transactional\.id/],
    [["transactional.id=t", "acks=0"], /^TRB-1005 acks=0 .*does not go with transactional\.id/],
    [["batch.size=65536", "buffer.memory=65535"], /^TRB-1005 batch\.size=65536 .*buffer\.memory=65535/]
  ] as const
  for (const [said, reason] of refused) {
    it(`${said.join(" with ")} is refused, with the reason`, () => {
      const [problem = "", ...others] = producerProblems(...said)
      assert.match(problem, reason)
      assert.deepStrictEqual(others, [])
    })
  }

  it("what excludes idempotence turns its default off, and that is said", () => {
    const { settings, warnings } = producer(properties("acks=1"))
    assert.isFalse(settings.enableIdempotence)
    assert.deepStrictEqual(warnings, ["not idempotent, because acks=1: a batch that is sent again may repeat"])
    assert.isTrue(producer(properties("transactional.id=t")).settings.enableIdempotence)
    assert.deepStrictEqual(producer(properties("enable.idempotence=false", "acks=1")).warnings, [])
  })

  it("a heartbeat above a third of the session is a warning, at the session or above it an error", () => {
    assert.deepStrictEqual(consumer(properties("session.timeout.ms=9000")).warnings, [])
    assert.deepStrictEqual(consumer(properties("session.timeout.ms=8999")).warnings, [
      "heartbeat.interval.ms=3000 is above a third of session.timeout.ms=8999: one lost heartbeat may cost the membership"
    ])
    assert.match(consumerProblems("heartbeat.interval.ms=10000")[0] ?? "", /^TRB-1005 heartbeat\.interval\.ms=10000 /)
    assert.match(
      consumerProblems("fetch.min.bytes=2048", "fetch.max.bytes=1024")[0] ?? "",
      /^TRB-1005 fetch\.min\.bytes/
    )
  })
})
