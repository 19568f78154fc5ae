import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { gzipSync } from "node:zlib"
import { encodeBatch, expandedBytesMax } from "../../src/domain/batchRecords.js"
import { crc32c } from "../../src/domain/crc32c.js"
import { javaText } from "../../src/domain/javaText.js"
import { makeLastRecords } from "../../src/domain/lastRecords.js"
import { framesOf, nextOffset } from "../../src/domain/logDump/frames.js"
import { batchData } from "../../src/domain/logDump/json.js"
import { batchLines } from "../../src/domain/logDump/lines.js"
import { type Shown, storedBatches } from "../../src/domain/logDump/storedBatch.js"
import { sequenceAfter } from "../../src/domain/sequence.js"
import { batchBytesMax, batchHeaderBytes, writeBatch } from "../../src/domain/recordBatch.js"
import { batchCodecs } from "../../src/layers/kafka/codecs.js"

const all: Shown = { from: 0n, to: undefined, batchesOnly: false, controlOnly: false }
const gzip = batchCodecs.get(1)
const dumped = (bytes: Uint8Array, shown: Shown = all) => [...storedBatches(bytes, 0, batchCodecs, shown)]
const linesOf = (bytes: Uint8Array, shown: Shown = all) => dumped(bytes, shown).flatMap(batchLines)

/** A batch with what our own producers never write; the checksum fits. */
const batchOf = (
  options: {
    readonly offset?: bigint
    readonly attributes?: number
    readonly producerId?: bigint
    readonly baseSequence?: number
  },
  ...values: ReadonlyArray<readonly [key: Uint8Array | null, value: Uint8Array | null]>
): Uint8Array => {
  const baseOffset = options.offset ?? 0n
  const [first, ...rest] = values.map(([key, value], index) => ({
    offset: baseOffset + BigInt(index),
    timestampMs: 1_700_000_000_000 + index,
    key,
    value,
    headers: []
  }))
  assert(first !== undefined)
  const bytes = encodeBatch([first, ...rest])
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setInt16(21, options.attributes ?? 0)
  view.setBigInt64(43, options.producerId ?? -1n)
  view.setInt16(51, 3)
  view.setInt32(53, options.baseSequence ?? -1)
  view.setUint32(17, crc32c(bytes, 21))
  return bytes
}
const text = (value: string) => Buffer.from(value)
const transactional = 0x10
const control = 0x30
/** Version, type; version, epoch of the coordinator. */
const marker = (type: number) => [Buffer.from([0, 0, 0, type]), Buffer.from([0, 0, 0, 0, 0, 7])] as const

const bytesArbitrary = FastCheck.option(FastCheck.uint8Array({ maxLength: 40 }))
const recordArbitrary = FastCheck.record({
  key: bytesArbitrary,
  value: bytesArbitrary,
  timestampMs: FastCheck.integer({ min: 0, max: 2_000_000_000_000 }),
  headers: FastCheck.array(FastCheck.tuple(FastCheck.string({ maxLength: 5 }), bytesArbitrary), { maxLength: 3 })
})

describe("a batch is shown with every field", () => {
  it.prop(
    "and what our encoder wrote is read back from its lines and its JSON",
    [
      FastCheck.array(recordArbitrary, { minLength: 1, maxLength: 8 }),
      FastCheck.boolean(),
      FastCheck.bigInt(0n, 2n ** 40n)
    ],
    ([fields, compressed, baseOffset]) => {
      const [first, ...rest] = fields.map((record, index) => ({ ...record, offset: baseOffset + BigInt(index) }))
      assert(first !== undefined)
      const records = [first, ...rest]
      const bytes = encodeBatch([first, ...rest], compressed ? gzip : undefined)
      const [batch] = dumped(bytes)
      assert(batch !== undefined)
      assert.isUndefined(batch.fault)
      assert.deepStrictEqual(
        batch.records.map(({ headers, key, offset, timestampMs, value }) => ({
          headers: headers.map(([name, content]) => [name, content && [...content]]),
          key: key && [...key],
          offset,
          timestampMs: Number(timestampMs),
          value: value && [...value]
        })),
        records.map(({ headers, key, offset, timestampMs, value }) => ({
          headers: headers.map(([name, content]) => [Buffer.from(name).toString(), content && [...content]]),
          key: key && [...key],
          offset,
          timestampMs,
          value: value && [...value]
        }))
      )
      // Fields that hold no text of the record's own: a key may look like any of them.
      const [header = "", ...shown] = batchLines(batch)
      assert.strictEqual(/ count: (\d+) /.exec(header)?.[1], String(records.length))
      assert.strictEqual(/ compresscodec: (\w+) /.exec(header)?.[1], compressed ? "gzip" : "none")
      assert.strictEqual(/ size: (\d+) /.exec(header)?.[1], String(bytes.length))
      assert.deepStrictEqual(
        shown.map((line) =>
          /^\| offset: (\d+) CreateTime: (\d+) keySize: (-?\d+) valueSize: (-?\d+) sequence: -1 /.exec(line)?.slice(1)
        ),
        records.map(({ key, offset, timestampMs, value }) =>
          [offset, timestampMs, key?.length ?? -1, value?.length ?? -1]
            .map(String)
        )
      )
      assert.deepInclude(batchData(batch), { baseOffset, lastOffset: baseOffset + BigInt(records.length) - 1n })
    }
  )

  const cases: ReadonlyArray<readonly [what: string, bytes: Uint8Array, lines: ReadonlyArray<string | RegExp>]> = [
    ["null and empty are told apart", batchOf({}, [null, null], [text(""), text("")]), [
      /deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1700000000001 size: 75 magic: 2 compresscodec: none/,
      "| offset: 0 CreateTime: 1700000000000 keySize: -1 valueSize: -1 sequence: -1 headerKeys: []",
      "| offset: 1 CreateTime: 1700000000001 keySize: 0 valueSize: 0 sequence: -1 headerKeys: [] key:  payload: "
    ]],
    [
      "sequences go on from 0 after the largest",
      batchOf({ producerId: 9n, baseSequence: 0x7fffffff }, [null, text("a")], [
        null,
        text("b")
      ]),
      [
        /baseSequence: 2147483647 lastSequence: 0 producerId: 9 producerEpoch: 3 /,
        /sequence: 2147483647 .* payload: a$/,
        /sequence: 0 .* payload: b$/
      ]
    ],
    ["a commit", batchOf({ attributes: control, producerId: 9n }, marker(1)), [
      /isTransactional: true isControl: true/,
      /keySize: 4 valueSize: 6 sequence: -1 headerKeys: \[\] endTxnMarker: COMMIT coordinatorEpoch: 7$/
    ]],
    ["an abort", batchOf({ attributes: control, producerId: 9n }, marker(0)), [/./, /endTxnMarker: ABORT/]],
    ["another control record", batchOf({ attributes: control }, marker(2)), [/./, / controlType: LEADER_CHANGE\(2\)$/]],
    ["a broker's timestamps", batchOf({ attributes: 0x08 }, [null, null], [null, null]), [
      / LogAppendTime: 1700000000001 /,
      /offset: 0 LogAppendTime: 1700000000001 /,
      /offset: 1 LogAppendTime: 1700000000001 /
    ]],
    ["a delete horizon", batchOf({ attributes: 0x40 }, [null, null]), [
      / deleteHorizonMs: OptionalLong\[1700000000000\] /,
      /./
    ]]
  ]
  it.each(cases.map(([what, bytes, lines]) => ({ what, bytes, lines })))("$what", ({ bytes, lines: expected }) => {
    const lines = linesOf(bytes)
    assert.lengthOf(lines, expected.length)
    for (const [index, wanted] of expected.entries()) {
      if (typeof wanted === "string") assert.strictEqual(lines[index], wanted)
      else assert.match(lines[index] ?? "", wanted)
    }
  })

  it("sequences wrap as Kafka's do", () => {
    assert.deepStrictEqual([sequenceAfter(-1, 5), sequenceAfter(0, 5), sequenceAfter(0x7ffffffe, 3)], [-1, 5, 1])
  })
})

describe("damage is said at its batch, and what follows is shown all the same", () => {
  const two = Buffer.concat([batchOf({}, [null, text("first")]), batchOf({ offset: 1n }, [null, text("second")])])

  it("any flipped bit behind the checksum makes the batch invalid, and only it", () => {
    const [first] = dumped(two)
    for (let at = 21; at < (first?.header?.bytes ?? 0); at++) {
      const bytes = Buffer.from(two)
      bytes.writeUInt8((bytes[at] ?? 0) ^ 4, at)
      const [hit, next] = dumped(bytes)
      assert.isFalse(hit?.header?.valid, `byte ${at}`)
      assert.include(hit?.fault, "the checksum does not fit the content")
      assert.strictEqual(next?.position, first?.header?.bytes)
      assert.isUndefined(next?.fault)
    }
  })

  it("a batch outside of what is shown is named if it is damaged", () => {
    const bytes = Buffer.from(two)
    bytes.writeUInt8((bytes[70] ?? 0) ^ 1, 70)
    assert.deepStrictEqual(dumped(bytes, { ...all, from: 1n }).map(({ header }) => header?.valid), [false, true])
  })

  it("a batch that would fill the memory is not expanded", () => {
    const records = gzipSync(Buffer.alloc(expandedBytesMax + 1))
    const fields = { baseOffset: 0n, lastOffset: 0n, baseTimestampMs: 0n, maxTimestampMs: 0n, recordCount: 1 }
    const [batch] = dumped(writeBatch({ ...fields, codec: 1 }, records))
    assert.isTrue(batch?.header?.valid)
    assert.match(batch?.fault ?? "", /^gzip: /)
  })

  it("an older format is not guessed at", () => {
    const bytes = Buffer.from(two)
    bytes.writeInt8(1, 16)
    const [old, next] = dumped(bytes)
    assert.isUndefined(old?.header)
    assert.include(old?.fault, "format version 1")
    assert.strictEqual(next?.header?.baseOffset, 1n)
  })

  it.prop(
    "a log that is cut anywhere has its whole batches, then a rest",
    [FastCheck.nat({ max: two.length })],
    ([cut]) => {
      const frames = framesOf(two.subarray(0, cut))
      const whole = frames.lengths.reduce((sum, length) => sum + length, 0)
      assert.isAtMost(whole, cut)
      assert.strictEqual(frames.rest.kind, whole === cut ? "end" : "cut")
      assert.strictEqual(
        nextOffset(two, frames),
        frames.lengths.length === 0 ? undefined : BigInt(frames.lengths.length)
      )
    }
  )

  it.each([0, 13, batchHeaderBytes - 13, -5, batchBytesMax])("a length of %d begins no batch", (length) => {
    const bytes = Buffer.from(two)
    bytes.writeInt32BE(length, 8)
    assert.strictEqual(framesOf(bytes).rest.kind, "noise")
  })
})

describe("what is asked for", () => {
  const log = Buffer.concat([
    batchOf({}, [null, text("a")], [null, text("b")]),
    batchOf({ offset: 2n, attributes: transactional, producerId: 9n }, [null, text("c")]),
    batchOf({ offset: 3n, attributes: control, producerId: 9n }, marker(1))
  ])
  const offsets = (shown: Partial<Shown>) =>
    dumped(log, { ...all, ...shown }).map(({ header, records }) => [
      header?.baseOffset,
      ...records.map(({ offset }) => offset)
    ])

  it("a range shows batches that reach into it, and of these the records within", () => {
    assert.deepStrictEqual(offsets({ from: 1n, to: 3n }), [[0n, 1n], [2n, 2n]])
  })
  it("batches alone have no records", () => {
    assert.deepStrictEqual(offsets({ batchesOnly: true }), [[0n], [2n], [3n]])
  })
  it("markers alone", () => {
    assert.deepStrictEqual(offsets({ controlOnly: true }), [[3n, 3n]])
  })
})

const javaTextOf = (...bytes: ReadonlyArray<number>) => javaText(Uint8Array.from(bytes))

it("text is what Java makes of bytes: a surrogate is one malformed character, a byte order mark stays", () => {
  assert.strictEqual(javaTextOf(0x61, 0xed, 0xa0, 0x80, 0x62), "a\uFFFDb")
  assert.strictEqual(javaTextOf(0xed, 0xa0), "\uFFFD")
  assert.strictEqual(javaTextOf(0xed, 0xa0, 0x41), "\uFFFDA")
  assert.strictEqual(javaTextOf(0xed, 0x9f, 0xbf), "\uD7FF")
  assert.strictEqual(javaTextOf(0xef, 0xbb, 0xbf, 0x41), "\uFEFFA")
  assert.strictEqual(javaTextOf(0xf0, 0x80, 0x80, 0x80), "\uFFFD".repeat(4))
})

const lastOf = (count: number, ...batches: ReadonlyArray<Uint8Array>) => {
  const last = makeLastRecords(count)
  for (const batch of dumped(Buffer.concat(batches))) last.add(batch)
  return last.result().map(({ record, state }) => [record.offset, state])
}
const inTransaction = (offset: bigint, producerId: bigint) =>
  batchOf({ offset, attributes: transactional, producerId }, [null, text("x")])
const ended = (offset: bigint, producerId: bigint, type: number) =>
  batchOf({ offset, attributes: control, producerId }, marker(type))

describe("the last records of a log", () => {
  it("tell what became of their transactions, each by its own producer", () => {
    assert.deepStrictEqual(
      lastOf(
        5,
        batchOf({}, [null, text("plain")]),
        inTransaction(1n, 1n),
        inTransaction(2n, 2n),
        ended(3n, 1n, 0),
        inTransaction(4n, 1n),
        ended(5n, 2n, 1)
      ),
      [[0n, "committed"], [1n, "aborted"], [2n, "committed"], [4n, "open"]]
    )
  })
  it("are as many as wanted, the last ones", () => {
    assert.deepStrictEqual(lastOf(2, batchOf({}, [null, null], [null, null], [null, null])), [
      [1n, "committed"],
      [2n, "committed"]
    ])
  })
})
