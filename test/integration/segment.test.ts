import { Either } from "effect"
import { CompressionTypes, Kafka, logLevel, Partitioners } from "kafkajs"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "vitest"
import { decodeRecords, encodeBatch } from "../../src/domain/batchRecords.js"
import type { KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { partitionOfKey } from "../../src/domain/murmur2.js"
import { type BatchFault, type BatchHeader, readBatchHeader } from "../../src/domain/recordBatch.js"
import { gzipCodec } from "../../src/layers/embedded/gzipCodec.js"
import { until } from "../e2e/support/until.js"
import { createTopics } from "../e2e/support/World.js"
import { describeWith, type KafkaCluster, neverKilled, startKafka } from "../servers/index.js"

const codecs = new Map([[gzipCodec.code, gzipCodec]])

interface Batch {
  readonly header: BatchHeader
  readonly bytes: Uint8Array
  readonly records: ReadonlyArray<KafkaRecord>
}

/** All batches of a partition's segment files; fails on anything that is not one. */
const batchesOf = (folder: string): ReadonlyArray<Batch> =>
  // Several files: a broker begins a new one where the records' timestamps are a week apart.
  readdirSync(folder).filter((name) => name.endsWith(".log")).toSorted().flatMap((name) => {
    const log = readFileSync(join(folder, name))
    const batches: Array<Batch> = []
    for (let at = 0; at < log.length;) {
      const header = Either.getOrThrowWith(readBatchHeader(log, at, 0), asError)
      const records = Either.getOrThrowWith(decodeRecords(log, at, header, codecs), asError)
      batches.push({ header, bytes: log.subarray(at, at + header.bytes), records })
      at += header.bytes
    }
    return batches
  })
const asError = (fault: BatchFault) => new Error(JSON.stringify(fault))
const text = (bytes: Uint8Array | null) => bytes === null ? null : Buffer.from(bytes).toString()

describeWith(["own:kafka"], "segments that a real broker has written", () => {
  let broker: KafkaCluster
  let data: string
  let kafka: Kafka
  const written = (partition: number) => batchesOf(join(data, `segments-${partition}`))

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), "tributary-segments-"))
    broker = await startKafka({ props: { "log.dirs": data, ...neverKilled } })
    kafka = new Kafka({
      brokers: [broker.address],
      logLevel: logLevel.NOTHING,
      // A broker of its own makes its topic of transactions first.
      retry: { retries: 20, maxRetryTime: 2000 }
    })
    const admin = kafka.admin()
    await admin.connect()
    await createTopics(admin, ["segments"], 3)
    await admin.disconnect()
  })
  afterAll(async () => {
    await broker.stop()
    rmSync(data, { recursive: true, force: true })
  })

  it("are read with every field, compressed or not, and our own encoding of the same records is the same bytes", async () => {
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const messages = [
      { key: "k", value: "v", timestamp: "1700000000001", headers: { a: "x", b: Buffer.from([0, 255]) } },
      { key: null, value: null, timestamp: "1700000000999" },
      { key: "", value: "é".repeat(500), timestamp: "1700000000123" }
    ]
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      await producer.send({
        topic: "segments",
        compression,
        messages: messages.map((message) => ({ ...message, partition: 0 }))
      })
    }
    await producer.disconnect()
    const [plain, gzip] = written(0)
    assert(plain !== undefined && gzip !== undefined)
    assert.deepStrictEqual([plain.header.codec, gzip.header.codec], [0, 1])
    assert.deepStrictEqual([plain.header.baseOffset, plain.header.lastOffset, gzip.header.baseOffset], [0n, 2n, 3n])
    for (const { header, records } of [plain, gzip]) {
      assert.deepInclude(header, {
        producerId: -1n,
        control: false,
        transactional: false,
        maxTimestampMs: 1700000000999n
      })
      assert.deepStrictEqual(
        records.map(({ key, timestampMs, value }) => [text(key), text(value), timestampMs]),
        messages.map(({ key, timestamp, value }) => [key, value, Number(timestamp)])
      )
      assert.deepStrictEqual(records[0]?.headers.map(([name, value]) => [name, [...(value ?? [])]]), [
        ["a", [120]],
        ["b", [0, 255]]
      ])
    }
    const [first, ...rest] = plain.records
    assert(first !== undefined)
    // Everything that the checksum covers but epoch and sequence (51 to 57): this client says 0 where Java's says -1.
    const own = encodeBatch([first, ...rest])
    for (const [from, to] of [[21, 51], [57, own.length]] as const) {
      assert.deepStrictEqual(own.subarray(from, to), new Uint8Array(plain.bytes).subarray(from, to))
    }
    assert.strictEqual(own.length, plain.bytes.length)
  })

  it("of transactions have their producer and their markers, which are no records", async () => {
    const producer = kafka.producer({ transactionalId: "segments", idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (const outcome of ["commit", "abort"] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: "segments", messages: [{ partition: 1, value: outcome }] })
      await transaction[outcome]()
    }
    await producer.disconnect()
    // The coordinator answers first and writes the last marker then.
    const batches = await until("the last marker", () => {
      const found = written(1)
      return found.length === 4 ? found : undefined
    })
    assert.deepStrictEqual(
      batches.map((
        { header, records }
      ) => [header.baseOffset, header.control, records.map(({ value }) => text(value))]),
      [[0n, false, ["commit"]], [1n, true, []], [2n, false, ["abort"]], [3n, true, []]]
    )
    assert.isTrue(batches.every(({ header }) => header.transactional && header.producerId >= 0n))
  })

  it("of keyed records lie in the partition that our own producer chooses", async () => {
    // Idempotent: kafkajs sends all again where one of several partitions has failed.
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner
    })
    await producer.connect()
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}-${"x".repeat(index % 9)}`)
    await producer.send({ topic: "segments", messages: keys.map((key) => ({ key, value: "keyed" })) })
    await producer.disconnect()
    let found = 0
    for (const partition of [0, 1, 2]) {
      const records = written(partition).flatMap((batch) => batch.records)
      for (const { key } of records.filter(({ value }) => text(value) === "keyed")) {
        assert(key !== null)
        assert.strictEqual(partitionOfKey(key, 3), partition)
        found++
      }
    }
    assert.strictEqual(found, keys.length)
  })
})
