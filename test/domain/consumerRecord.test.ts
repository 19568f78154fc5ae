import { assert, describe, it } from "@effect/vitest"
import { javaDate, javaLine } from "../../src/domain/consumerRecord.js"

describe("the Java client's text of a record", () => {
  it("of a value without key and headers", () => {
    const value = Buffer.from("EVENT(aa,bb)")
    assert.strictEqual(
      javaLine(
        { topic: "out", partition: 0, offset: 0n, timestampMs: 1571987538865, key: null, value, headers: [] },
        "EVENT(aa,bb)"
      ),
      "ConsumerRecord(topic = out, partition = 0, offset = 0, CreateTime = 1571987538865, serialized key size = -1, " +
        "serialized value size = 12, headers = RecordHeaders(headers = [], isReadOnly = false), key = null, " +
        "value = EVENT(aa,bb))"
    )
  })

  it("of a tombstone with a key and headers, whose bytes have a sign", () => {
    const headers = [["k", Buffer.of(1, 255)], ["k", Buffer.alloc(0)], ["n", null]] as const
    assert.strictEqual(
      javaLine(
        { topic: "t", partition: 3, offset: 2n ** 62n, timestampMs: 0, key: Buffer.from("é"), value: null, headers },
        null
      ),
      "ConsumerRecord(topic = t, partition = 3, offset = 4611686018427387904, CreateTime = 0, serialized key size = 2, " +
        "serialized value size = -1, headers = RecordHeaders(headers = [RecordHeader(key = k, value = [1, -1]), " +
        "RecordHeader(key = k, value = []), RecordHeader(key = n, value = null)], isReadOnly = false), key = é, " +
        "value = null)"
    )
  })

  it("of a time, in UTC", () => {
    assert.strictEqual(javaDate(1571987538865), "Fri Oct 25 07:12:18 UTC 2019")
    assert.strictEqual(javaDate(0), "Thu Jan 01 00:00:00 UTC 1970")
  })
})
