import { assert, describe, it } from "@effect/vitest"
import { apiKeys } from "../../../src/layers/kafka/library.js"
import { unsupportedVersion } from "../../../src/layers/kafka/versions.js"

/** A broker that offers everything, and Metadata up to `maxVersion`: 8 is Kafka 2.3, 9 is 2.4, 13 is 4.x. */
const broker = (minVersion: number, maxVersion: number) => ({
  brokerAddress: "b:9092",
  versions: {
    ...Object.fromEntries(Array.from({ length: 60 }, (_, api) => [api, { minVersion: 0, maxVersion: 99 }])),
    [apiKeys.Metadata]: { minVersion, maxVersion }
  }
})

describe("Metadata is asked for by kafkajs and by this client, each in its own versions", () => {
  it.each<[string, number, number, RegExp | undefined]>([
    [
      "2.3",
      0,
      8,
      /speaks Metadata in versions 0 to 8, this client in versions 9 to 12; run brokers between 2\.4 and 4/
    ],
    ["2.4", 0, 9, undefined],
    ["4.x", 0, 13, undefined],
    ["one too new for kafkajs", 7, 14, /speaks Metadata in versions 7 to 14, this client in versions 0 to 6/]
  ])("Kafka %s", (_, minVersion, maxVersion, refusal) => {
    const message = unsupportedVersion(broker(minVersion, maxVersion))?.message
    if (refusal === undefined) assert.isUndefined(message)
    else assert.match(message ?? "", refusal)
  })
})
