import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { headersJson } from "../../src/domain/DeadLetter.js"
import type { KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { recordHeaders } from "../../src/domain/StoredLetter.js"

const headers: KafkaRecord["headers"] = [["trace", Buffer.from([0, 255])], ["trace", null], [
  "größe \u0000",
  Buffer.of()
]]
const record: KafkaRecord = { offset: 1n, timestampMs: 0, key: null, value: null, headers }

describe("the headers of a letter", () => {
  it("are a list of key and value, as Kafka's console tools and the column _headers have it", () => {
    assert.deepStrictEqual<unknown>(JSON.parse(headersJson(record)), [
      { key: "trace", value: "AP8=" },
      { key: "trace", value: null },
      { key: "größe \u0000", value: "" }
    ])
  })

  it("are read back as they were, in their order", () => {
    assert.deepStrictEqual(Either.getOrThrow(recordHeaders(headersJson(record))), headers)
  })
})
