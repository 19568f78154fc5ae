import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { plainValues } from "../../../src/programs/read/formats.js"
import { type FolderOptions, formOf, openFolder } from "../../../src/programs/read/openFolder.js"
import { Disk } from "./disk.js"

const options: FolderOptions = {
  folder: "out.tsv",
  group: "g",
  format: "key+value",
  values: plainValues,
  isolation: "read_uncommitted",
  rotateBytes: undefined,
  backoff: { baseMs: 1, maxMs: 1 },
  lock: () => Effect.void
}

const record = (offset: bigint, value: string) => ({
  topic: "t",
  partition: 0,
  offset,
  timestampMs: 0,
  key: Buffer.from("k"),
  value: Buffer.from(value),
  headers: []
})

const adminOf = (topicId: string, end: bigint) =>
  Layer.mock(Admin, {
    describeTopic: (topic) => Effect.succeed({ topic, clusterId: "c", topicId, partitions: [0] }),
    logRanges: () => Effect.succeed([{ partition: 0, low: 0n, lastStable: end, end }])
  })

interface Life extends Partial<FolderOptions> {
  readonly topicId?: string
  readonly end?: bigint
}

/** Opens the folder, begins at `start`, writes `values` from where that leads, and closes it. */
const life = (
  disk: Disk,
  start: bigint,
  values: ReadonlyArray<string>,
  { end = 100n, topicId = "1", ...own }: Life = {}
) =>
  Effect.gen(function*() {
    const sinks = yield* openFolder({ ...options, ...own })
    const begins = yield* sinks("consumer-thread-0").begin("t", new Map([[0, start]]))
    const from = begins.get(0) ?? assert.fail("no position")
    yield* sinks("consumer-thread-0").write(values.map((value, index) => record(from + BigInt(index), value)))
    return from
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(disk.layer, adminOf(topicId, end))))

const locked = () => Effect.fail({ message: "locked" })

describe("a folder of rows", () => {
  it.effect("goes on where its rows end, whatever the group has committed", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      assert.strictEqual(yield* life(disk, 7n, ["a", "b"]), 7n)
      assert.strictEqual(yield* life(disk, 0n, ["c"]), 9n)
      assert.strictEqual(yield* life(disk, 50n, []), 10n)
      assert.deepStrictEqual([...disk.texts(".tsv").values()], ["key\tvalue\nk\ta\nk\tb\nk\tc\n"])
    }))

  // A group without a committed offset begins at the end of the log, which moves.
  it.effect("remembers where it began before it has a row", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      assert.strictEqual(yield* life(disk, 40n, []), 40n)
      assert.strictEqual(yield* life(disk, 60n, []), 40n)
    }))

  it.effect("whose file was taken away goes on in a new one", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      yield* life(disk, 0n, ["a"])
      disk.remove("out.tsv/consumer-thread-0.tsv")
      assert.strictEqual(yield* life(disk, 0n, ["b"]), 1n)
      assert.strictEqual(yield* life(disk, 0n, ["c"]), 2n)
      assert.deepStrictEqual([...disk.texts(".tsv").values()], ["key\tvalue\nk\tb\nk\tc\n"])
    }))

  const refusals: ReadonlyArray<readonly [why: string, spoil: (disk: Disk) => void, own: Life, pattern: RegExp]> = [
    ["another group", () => {}, { group: "h" }, /written with group g, and now it is group h/],
    ["another form", () => {}, { format: "value" }, /tsv key\+value, and now it is rows as tsv value/],
    ["another life of the topic", () => {}, { topicId: "2" }, /deleted and created again: its id was 1 and is 2/],
    ["a log that ends before its rows", () => {}, { topicId: "", end: 1n }, /up to offset 2, and the log ends at 1/],
    [
      "a file that is shorter than it was",
      (disk) => disk.put("out.tsv/consumer-thread-0.tsv", Buffer.from("key")),
      {},
      /18 bytes of it were written and synced, and it has 3/
    ],
    ["positions that are damaged", (disk) => disk.put("out.tsv/positions.json", Buffer.from("{")), {}, /nobody knows/],
    ["rows without positions", (disk) => disk.remove("out.tsv/positions.json"), {}, /no positions.json beside them/]
  ]
  for (const [why, spoil, own, pattern] of refusals) {
    it.effect(`is left alone because of ${why}`, () =>
      Effect.gen(function*() {
        const disk = new Disk()
        yield* life(disk, 0n, ["a", "b"])
        spoil(disk)
        const before = [...disk.texts(".tsv")]
        const error = yield* Effect.flip(life(disk, 0n, ["c"], own))
        assert.match(`${error.what} ${error.why}`, pattern)
        assert.isNotEmpty(error.cure)
        assert.deepStrictEqual([...disk.texts(".tsv")], before)
      }))
  }

  it.effect("that another process has is not touched", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      assert.strictEqual((yield* Effect.flip(life(disk, 0n, [], { lock: locked }))).code, "TRB-2403")
      assert.strictEqual(disk.texts("").size, 0)
    }))

  // The rest of a write that has failed would count with the next one that succeeds.
  it.scoped("takes nothing more after a write has failed", () => {
    const disk = new Disk()
    return Effect.gen(function*() {
      const sink = (yield* openFolder(options))("consumer-thread-0")
      yield* sink.begin("t", new Map([[0, 0n]]))
      disk.full = true
      const full = yield* Effect.flip(sink.write([record(0n, "a")]))
      disk.full = false
      assert.match(full.why ?? "", /no space/)
      assert.strictEqual(yield* Effect.flip(sink.write([record(0n, "a")])), full)
    }).pipe(Effect.provide(Layer.merge(disk.layer, adminOf("1", 100n))))
  })
})

const formName = (folder: string, format: FolderOptions["format"]) =>
  Either.map(formOf({ folder, format, isolation: "read_uncommitted" }), ({ form }) => form)
const refusal = (folder: string, format: FolderOptions["format"]) =>
  Either.getOrThrow(Either.flip(formName(folder, format)))

describe("the form of a folder's files", () => {
  it("comes from its name and the format", () => {
    assert.deepStrictEqual(formName("a.csv", undefined), Either.right("csv all"))
    assert.deepStrictEqual(formName("a.log", "labelled"), Either.right("log labelled"))
  })

  it("is refused where the two do not fit", () => {
    assert.match(refusal("a.txt", undefined).what, /ends in .csv, .tsv or .log/)
    assert.match(refusal("a.csv", "record").cure, /\.log/)
  })
})
