import { assert, describe, it } from "@effect/vitest"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { PartitionBuffer } from "../../../src/programs/read/PartitionBuffer.js"

/** Records at these offsets, in a fetch that began and ended there. */
const fetched = (fetchedOffset: bigint, nextOffset: bigint, ...offsets: ReadonlyArray<bigint>): FetchedBatch => ({
  topic: "t",
  partition: 0,
  generation: 1,
  fetchedOffset,
  nextOffset,
  bytes: 0,
  records: offsets.map((offset) => ({ offset, timestampMs: 0, key: null, value: null, headers: [] }))
})

describe("the buffer of a partition", () => {
  it("pauses when it is full and resumes once when it is not", () => {
    const buffer = new PartitionBuffer(0n, 2)
    assert.strictEqual(buffer.offer(fetched(0n, 1n, 0n)), "fetch")
    assert.isFalse(buffer.resumes())
    assert.strictEqual(buffer.offer(fetched(1n, 4n, 1n, 2n, 3n)), "pause")
    buffer.take(2)
    assert.isFalse(buffer.resumes(), "still as full as it may be")
    buffer.take(1)
    assert.isTrue(buffer.resumes())
    assert.isFalse(buffer.resumes())
  })

  it("has its position behind the last record that was taken, and behind what nobody sees once it is empty", () => {
    const buffer = new PartitionBuffer(0n, 10)
    buffer.offer(fetched(0n, 9n, 0n, 3n, 5n))
    assert.strictEqual(buffer.position, 0n)
    buffer.take(2)
    assert.strictEqual(buffer.position, 4n)
    buffer.take(2)
    assert.strictEqual(buffer.position, 9n)
    buffer.offer(fetched(9n, 12n))
    assert.strictEqual(buffer.position, 12n)
  })

  it("does not take a batch that begins elsewhere, and goes on where it is moved to", () => {
    const buffer = new PartitionBuffer(5n, 10)
    assert.strictEqual(buffer.offer(fetched(8n, 9n, 8n)), "pause")
    assert.isTrue(buffer.strayed)
    assert.isTrue(buffer.isEmpty)
    assert.strictEqual(buffer.position, 5n)
    buffer.moveTo(8n)
    assert.isFalse(buffer.strayed)
    assert.strictEqual(buffer.offer(fetched(8n, 9n, 8n)), "fetch")
    assert.deepStrictEqual(buffer.take(10).map(({ offset }) => offset), [8n])
  })

  it("tells of what cannot be read only when everything before it is taken", () => {
    const buffer = new PartitionBuffer(0n, 10)
    buffer.offer({ ...fetched(0n, 1n, 0n), unreadable: "the checksum is wrong" })
    assert.isUndefined(buffer.unreadable)
    buffer.take(1)
    assert.strictEqual(buffer.unreadable, "the checksum is wrong")
  })

  it("goes back over records that were not processed, and never forward", () => {
    const buffer = new PartitionBuffer(0n, 10)
    buffer.offer(fetched(0n, 3n, 0n, 1n, 2n))
    buffer.take(3)
    buffer.rewind(1n)
    buffer.rewind(2n)
    assert.strictEqual(buffer.position, 1n)
  })
})
