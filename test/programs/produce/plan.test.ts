import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { ExitCode } from "../../../src/programs/exitCodes.js"
import type { ProduceOptions } from "../../../src/programs/produce/ProduceOptions.js"
import { planOf } from "./support.js"

type Asked = Partial<ProduceOptions>

const planned = (options: Asked, ...properties: ReadonlyArray<string>) =>
  Either.getOrThrow(planOf(options, ...properties))
const problemsOf = (options: Asked, ...properties: ReadonlyArray<string>): ReadonlyArray<string> =>
  Either.match(planOf(options, ...properties), {
    onLeft: ({ details, exit, what }) => {
      assert.strictEqual(exit, ExitCode.usage)
      return details ?? [what]
    },
    onRight: () => []
  })

describe("the source", () => {
  const sources: ReadonlyArray<readonly [Asked, object]> = [
    [{}, { kind: "data sets", topics: undefined, first: 0, count: 1000 }],
    [{ topics: ["a", "b"], count: 5, from: 7 }, { kind: "data sets", topics: ["a", "b"], first: 7, count: 5 }],
    [{ intervalMs: 10 }, { kind: "data sets", topics: undefined, first: 0, count: 1000 }],
    [{ topic: "t", count: 0 }, { kind: "data sets", topics: ["t"], first: 0, count: 0 }],
    [{ topic: "t", count: 5, intervalMs: 10 }, { kind: "data sets", topics: ["t"], first: 0, count: 5 }],
    [{ topic: "t" }, { kind: "lines", topic: "t", file: undefined, format: "text" }],
    [{ topic: "t", rate: 5 }, { kind: "lines", topic: "t", file: undefined, format: "text" }],
    [{ topic: "t", file: "f", format: "json", intervalMs: 10 }, {
      kind: "lines",
      topic: "t",
      file: "f",
      format: "json"
    }],
    [{ topic: "t", intervalMs: 10_000 }, { kind: "numbers", topic: "t", first: 1, last: 10_000 }],
    [{ topic: "t", from: 5, to: 5 }, { kind: "numbers", topic: "t", first: 5, last: 5 }],
    [{ topic: "t", schema: "s" }, { kind: "schema", topic: "t", file: "s", first: 0, count: 1000 }],
    [{ topic: "t", schema: "s", count: 3, from: 2 }, { kind: "schema", topic: "t", file: "s", first: 2, count: 3 }]
  ]
  for (const [options, source] of sources) {
    it(`of ${JSON.stringify(options)} is ${JSON.stringify(source)}`, () => {
      assert.deepStrictEqual(planned(options).source, source)
    })
  }

  it("sets the pace: by a rate over all, by a time between two, or not at all", () => {
    const paces = [planned({ rate: 50 }), planned({ topic: "t", intervalMs: 10_000 }), planned({})]
    assert.deepStrictEqual(paces.map(({ recordMs }) => recordMs), [20, 10_000, 0])
  })

  it("chooses partitions by key, numbers in turn, and the one that is named before all else", () => {
    const choices = [{ topic: "t" }, { topic: "t", to: 5 }, { topic: "t", to: 5, partition: 0 }, {
      topic: "t",
      partitioner: "round-robin" as const
    }]
    assert.deepStrictEqual(choices.map((options) => planned(options).partitioner), [
      "key",
      "round-robin",
      0,
      "round-robin"
    ])
  })
})

describe("headers and transactions", () => {
  it("a header's value may be empty and hold further equals signs", () => {
    const headers = planned({ headers: ["a=1", "b=", "c=x=y"] }).headers.map(([name, value]) =>
      `${name}:${String(value)}`
    )
    assert.deepStrictEqual(headers, ["a:1", "b:", "c:x=y"])
    assert.deepStrictEqual(problemsOf({ headers: ["=1"] }), ["--header =1: expected NAME=VALUE"])
  })

  it("transactions come with a transactional id", () => {
    assert.isUndefined(planned({}).transactions)
    assert.deepStrictEqual(planned({ transactionSize: 5, abortRate: 0.5 }, "transactional.id=p").transactions, {
      transactionalId: "p",
      timeoutMs: 60_000,
      records: 5,
      abortRate: 0.5
    })
    assert.deepInclude(planned({}, "transactional.id=p").transactions, { records: 1000, abortRate: 0 })
  })
})

describe("what contradicts itself is refused with the reason", () => {
  const avroKey = "key.serializer=KafkaAvroSerializer"
  const avroValue = "value.serializer=io.confluent.kafka.serializers.KafkaAvroSerializer"
  const refused: ReadonlyArray<readonly [Asked, ReadonlyArray<string>, string]> = [
    [{ file: "f" }, [], "--file wants a TOPIC: tributary produce TOPIC --file …"],
    [{ schema: "s" }, [], "--schema wants a TOPIC: tributary produce TOPIC --schema …"],
    [{ to: 5 }, [], "--to wants a TOPIC: tributary produce TOPIC --to …"],
    [{ topic: "a b" }, [], "a b cannot be a topic's name: letters, digits, . _ - and at most 249 of them"],
    [{ topic: "t", topics: ["a", "b"] }, [], "TOPIC t and --topics a,b both name topics: keep one"],
    [{ topic: "t", schema: "s", file: "f" }, [], "--schema and --file name different sources: keep one"],
    [{ topic: "t", file: "f", to: 5 }, [], "--file and --to name different sources: keep one"],
    [{ topic: "t", file: "f", count: 5 }, [], "--count does not go with lines"],
    [{ topic: "t", to: 5, count: 5 }, [], "--count does not go with numbers"],
    [{ topic: "t", file: "f", from: 5 }, [], "--from does not go with lines"],
    [{ topic: "t", to: 5, format: "json" }, [], "--format json is for lines, not for numbers"],
    [{ format: "json" }, [], "--format json is for lines, not for data sets"],
    [{ topic: "t", from: 6, to: 5 }, [], "--from 6 lies behind --to 5"],
    [{ rate: 5, intervalMs: 5 }, [], "--rate 5 and --interval say the same: keep one"],
    [{ topic: "t" }, [avroKey], "key.serializer=KafkaAvroSerializer: keys are text or bytes here"],
    [{ topic: "t" }, [avroValue], `${avroValue} wants a schema (--schema) or the data sets`],
    [
      { topic: "t", schema: "s" },
      ["value.serializer=StringSerializer"],
      "value.serializer=StringSerializer does not go with --schema: they are Avro"
    ],
    [
      {},
      ["value.serializer=StringSerializer"],
      "value.serializer=StringSerializer does not go with the data sets: they are Avro"
    ],
    [
      { partition: 1, partitioner: "round-robin" },
      [],
      "--partition 1 and --partitioner round-robin choose differently: keep one"
    ],
    [
      { mode: "fire-and-forget" },
      ["transactional.id=p"],
      "--mode fire-and-forget does not go with --transactional-id: only what is known to have arrived can be committed"
    ],
    [
      { mode: "fire-and-forget", print: true },
      [],
      "--print wants the answers that --mode fire-and-forget does not wait for"
    ],
    [{ transactionSize: 5 }, [], "--transaction-size wants --transactional-id"],
    [{ abortRate: 0 }, [], "--abort-rate wants --transactional-id"],
    [{ headers: ["x"] }, [], "--header x: expected NAME=VALUE"]
  ]
  for (const [options, properties, problem] of refused) {
    it(`${JSON.stringify(options)} ${properties.join(" ")}`, () => {
      assert.deepStrictEqual(problemsOf(options, ...properties), [problem])
    })
  }

  it("all of it at once", () => {
    const problems = problemsOf({ topic: "t", file: "f", count: 1, from: 1, transactionSize: 5, headers: ["x"] })
    assert.lengthOf(problems, 4)
  })

  it("Avro values go with a schema and with the data sets, bytes and text with the rest", () => {
    assert.deepStrictEqual(problemsOf({ topic: "t", schema: "s" }, avroValue), [])
    assert.deepStrictEqual(problemsOf({}, avroValue), [])
    assert.deepStrictEqual(problemsOf({ topic: "t" }, "value.serializer=ByteArraySerializer"), [])
  })
})
