import { assert, describe, it } from "@effect/vitest"
import { errorOfCode, kafkajs } from "../../../src/layers/kafka/library.js"
import { classify } from "../../../src/layers/kafka/errors.js"
import type { Broker, VersionRange } from "../../../src/layers/kafka/internals.js"
import { unsupportedVersion } from "../../../src/layers/kafka/versions.js"

const brokers = ["a:9091", "b:9092"]
const of = (error: unknown) => classify(brokers, "consume t as group g", error)
const refused = new kafkajs.KafkaJSConnectionError("Connection error: connect ECONNREFUSED", { code: "ECONNREFUSED" })

describe("an error of the client", () => {
  it("about the network names every address and the system's code, in whatever it is wrapped", () => {
    const wrapped = new kafkajs.KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 3, retryTime: 100 })
    for (const error of [refused, wrapped]) {
      const found = of(error)
      assert.strictEqual(found.name, "KafkaUnavailable")
      assert.strictEqual(found.message, "cannot reach Kafka: a:9091,b:9092 (ECONNREFUSED)")
    }
  })

  const passing = [5, 6, 7, 14, 15, 16, 19]
  it.each(passing)("that passes by itself (code %i) may be tried again", (code) => {
    assert.strictEqual(of(errorOfCode(code)).name, "KafkaUnavailable")
  })

  const cases: ReadonlyArray<readonly [name: string, error: Error, text: RegExp]> = [
    [
      "topic authorization",
      errorOfCode(29),
      /cannot consume t as group g: .*TOPIC_AUTHORIZATION_FAILED.*; grant this user/
    ],
    [
      "group authorization",
      errorOfCode(30),
      /GROUP_AUTHORIZATION_FAILED.*; grant this user Read on the consumer group/
    ],
    ["session time-out", errorOfCode(26), /INVALID_SESSION_TIMEOUT.*; choose a session time-out between/],
    [
      "a password",
      Object.assign(new Error("wrong"), { name: "KafkaJSSASLAuthenticationError" }),
      /wrong; check the Kafka user name/
    ],
    ["anything else", new TypeError("undefined is not a function"), /undefined is not a function; /]
  ]
  it.each(cases)("about %s is refused, with what cures it", (_, error, text) => {
    const found = of(error)
    assert.strictEqual(found.name, "KafkaRefused")
    assert.match(found.message, text)
    assert.notInclude(found.message, "\\n")
  })
})

const ranges = (over: Readonly<Record<number, VersionRange>>): Pick<Broker, "versions" | "brokerAddress"> => ({
  brokerAddress: "b:9092",
  versions: {
    ...Object.fromEntries(Array.from({ length: 30 }, (_, api) => [api, { minVersion: 0, maxVersion: 99 }])),
    ...over
  }
})

describe("a broker whose versions do not meet the client's is named with both, in one line", () => {
  const cases: ReadonlyArray<readonly [name: string, api: number, range: VersionRange, text: RegExp]> = [
    [
      "too old",
      1,
      { minVersion: 0, maxVersion: 10 },
      /^broker b:9092 speaks Fetch in versions 0 to 10, this client in versions 11 to 11; run brokers/
    ],
    [
      "too new",
      12,
      { minVersion: 4, maxVersion: 5 },
      /^broker b:9092 speaks Heartbeat in versions 4 to 5, this client in versions 0 to 3; run brokers/
    ]
  ]
  it.each(cases)("%s", (_, api, range, text) => {
    assert.match(unsupportedVersion(ranges({ [api]: range }))?.message ?? "", text)
  })

  it("and one whose do is not", () => {
    assert.isUndefined(unsupportedVersion(ranges({})))
    assert.isUndefined(unsupportedVersion({ brokerAddress: "b", versions: null }))
  })
})
