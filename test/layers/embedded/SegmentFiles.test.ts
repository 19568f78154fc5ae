import { assert, it } from "@effect/vitest"
import { Chunk, Effect, Stream } from "effect"
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { encodeBatch } from "../../../src/domain/batchRecords.js"
import { framesOf } from "../../../src/domain/logDump/frames.js"
import { layer, pieceBytes } from "../../../src/layers/embedded/SegmentFiles.js"
import { SegmentFiles } from "../../../src/layers/RawLog.js"
import { temporaryFolder } from "./temporaryFolder.js"

const batch = (bytes: number) =>
  encodeBatch([{ offset: 0n, timestampMs: 0, key: null, value: new Uint8Array(bytes), headers: [] }])

const piecesOf = (file: string) => Effect.map(SegmentFiles, (segments) => segments.pieces(file))

it.scoped("a file of 64 MiB is never in memory as a whole: its largest piece is one read", () =>
  Effect.gen(function*() {
    const file = join(yield* temporaryFolder, "00000000000000000000.log")
    const mebibyte = Buffer.concat(Array.from({ length: 16 }, () => batch(64 * 1024)))
    const handle = openSync(file, "w")
    for (let index = 0; index < 64; index++) writeSync(handle, mebibyte)
    closeSync(handle)
    const seen = yield* Stream.runFold(yield* piecesOf(file), { largest: 0, next: 0, batches: 0 }, (sum, piece) => {
      assert.strictEqual(piece.position, sum.next)
      assert.isUndefined(piece.rest)
      return {
        // What a piece keeps alive is the buffer behind it.
        largest: Math.max(sum.largest, piece.bytes.buffer.byteLength),
        next: piece.position + piece.bytes.length,
        batches: sum.batches + framesOf(piece.bytes).lengths.length
      }
    })
    assert.deepStrictEqual(seen, { largest: pieceBytes, next: 64 * mebibyte.length, batches: 1024 })
  }).pipe(Effect.provide(layer)))

it.scoped("a batch longer than a read comes whole, and what follows the last batch is told apart", () =>
  Effect.gen(function*() {
    const file = join(yield* temporaryFolder, "00000000000000000000.log")
    const [small, large] = [batch(10), batch(3 * pieceBytes)]
    writeFileSync(file, Buffer.concat([small, large, small, large.subarray(0, 1000)]))
    const pieces = Chunk.toReadonlyArray(yield* Stream.runCollect(yield* piecesOf(file)))
    assert.deepStrictEqual(pieces.map(({ bytes, position, rest }) => [position, bytes.length, rest?.bytes]), [
      [0, small.length, undefined],
      [small.length, large.length, undefined],
      [small.length + large.length, small.length, undefined],
      [2 * small.length + large.length, 0, 1000]
    ])
  }).pipe(Effect.provide(layer)))

it.scoped("an empty file has no pieces; one that is not there says so", () =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    writeFileSync(join(folder, "1.log"), "")
    assert.strictEqual(yield* Stream.runCount(yield* piecesOf(join(folder, "1.log"))), 0)
    const error = yield* Effect.flip(Stream.runDrain(yield* piecesOf(join(folder, "2.log"))))
    assert.deepInclude(error, { _tag: "SegmentUnreadable", reason: "ENOENT" })
  }).pipe(Effect.provide(layer)))
