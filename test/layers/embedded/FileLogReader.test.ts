import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { layer as adminLayer } from "../../../src/layers/embedded/FileLogAdmin.js"
import { layer as producerLayer } from "../../../src/layers/embedded/FileLogProducer.js"
import { layer as readerLayer } from "../../../src/layers/embedded/FileLogReader.js"
import { gzipCodec } from "../../../src/layers/embedded/gzipCodec.js"
import { LogReader } from "../../../src/layers/LogReader.js"
import { Producer } from "../../../src/layers/Producer.js"
import { temporaryFolder } from "./temporaryFolder.js"

const value = new Uint8Array([1, 2, 3])

/** A log with `sends` batches of three records each, the second of each a tombstone, and its reader. */
const written = (sends: number) =>
  Effect.gen(function*() {
    const root = yield* temporaryFolder
    const layers = Layer.mergeAll(adminLayer(root), producerLayer({ root, codec: gzipCodec }), readerLayer(root))
    const context = yield* Layer.build(layers)
    yield* Context.get(context, Admin).createTopic({ topic: "t", partitions: 2 })
    for (let send = 0; send < sends; send++) {
      const records = [value, null, value].map((one) => ({ partition: 1, key: null, value: one }))
      yield* Context.get(context, Producer).send("t", records)
    }
    return (from: bigint, to: bigint) =>
      Stream.runCollect(Context.get(context, LogReader).entries({ topic: "t", partition: 1, from, to })).pipe(
        Effect.map((pages) =>
          [...pages].flat().map(({ kind, offset }) => `${offset}${kind === "tombstone" ? "†" : ""}`)
        )
      )
  })

it.scopedLive("every record is shown, tombstones as such, from and to any offset of a batch", () =>
  Effect.gen(function*() {
    const read = yield* written(3)
    assert.deepStrictEqual(yield* read(0n, 9n), ["0", "1†", "2", "3", "4†", "5", "6", "7†", "8"])
    assert.deepStrictEqual(yield* read(1n, 5n), ["1†", "2", "3", "4†"])
    assert.deepStrictEqual(yield* read(4n, 4n), [])
  }))

it.scopedLive("the end of the log ends it, whatever was asked for; an empty log has nothing", () =>
  Effect.gen(function*() {
    const read = yield* written(1)
    assert.deepStrictEqual(yield* read(2n, 1_000n), ["2"])
    assert.deepStrictEqual(yield* (yield* written(0))(0n, 10n), [])
  }))
