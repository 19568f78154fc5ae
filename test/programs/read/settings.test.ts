import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { readConsumerProperties } from "../../../src/domain/consumerProperties.js"
import { parseFrom, SinceTime } from "../../../src/programs/read/from.js"
import { type ReadOptions, readSettings } from "../../../src/programs/read/settings.js"
import { From } from "../../../src/programs/read/startPosition.js"
import { noOptions } from "./readOptions.js"

const plain: ReadOptions = { ...noOptions, topic: "orders" }

const settings = (options: Partial<ReadOptions>, ...properties: ReadonlyArray<string>) =>
  Either.flatMap(
    readConsumerProperties({ files: [], properties, flags: [] }),
    (java) => readSettings({ ...plain, ...options }, java)
  )
const accepted = (options: Partial<ReadOptions>, ...properties: ReadonlyArray<string>) =>
  Either.getOrThrow(settings(options, ...properties))
const refused = (options: Partial<ReadOptions>, ...properties: ReadonlyArray<string>) =>
  Either.getOrThrow(
    Either.flip(Either.mapLeft(settings(options, ...properties), (problem) =>
      Array.isArray(problem) ? "a property is wrong" : "what" in problem ? problem.what : ""))
  )

describe("what read is told", () => {
  it("commits as the Java client does: automatically for a group, unless it is told otherwise", () => {
    assert.strictEqual(accepted({}).commit, "none")
    assert.strictEqual(accepted({}, "group.id=g").commit, "auto")
    assert.strictEqual(accepted({}, "group.id=g", "enable.auto.commit=false").commit, "none")
    assert.strictEqual(accepted({ commit: "sync" }, "group.id=g").commit, "sync")
    assert.match(refused({ commit: "sync" }), /--commit sync wants a group/)
  })

  it("--start-from-latest is --from end, and not beside another beginning", () => {
    assert.deepStrictEqual(accepted({ startFromLatest: true }).from, From.End())
    assert.match(refused({ startFromLatest: true, from: From.Beginning() }), /two beginnings/)
  })

  it("commits automatically every minute, or as often as the property says", () => {
    assert.strictEqual(accepted({}, "group.id=g").autoCommitIntervalMs, 60_000)
    assert.strictEqual(accepted({}, "group.id=g", "auto.commit.interval.ms=5000").autoCommitIntervalMs, 5000)
  })

  it("reads what is not committed too, and begins at the end, as the Java client does", () => {
    assert.strictEqual(accepted({}).isolation, "read_uncommitted")
    assert.strictEqual(accepted({}).reset, "latest")
    assert.strictEqual(accepted({ untilEnd: true }, "group.id=g").reset, "latest")
  })

  it("begins at the beginning where it reads to the end without a group, unless it is told otherwise", () => {
    assert.strictEqual(accepted({ untilEnd: true }).reset, "earliest")
    assert.strictEqual(accepted({ untilEnd: true }, "auto.offset.reset=latest").reset, "latest")
  })

  it("hands work off in the order of the records unless told otherwise, and not into files", () => {
    assert.deepStrictEqual(accepted({ asyncWorkMs: 60_000, unordered: true, capacity: 7 }).handOff, {
      workMs: 60_000,
      capacity: 7,
      ordered: false
    })
    assert.isTrue(accepted({ asyncWorkMs: 1 }).handOff?.ordered)
    assert.isUndefined(accepted({}).handOff)
    assert.match(refused({ unordered: true }), /belong to --process async/)
    assert.match(refused({ asyncWorkMs: 1, file: "out.csv" }, "group.id=g"), /does not go with --file/)
    assert.match(refused({ asyncWorkMs: 1, processDelayMs: 1 }), /two kinds of work/)
  })
})

describe("--from", () => {
  const cases = [
    ["beginning", From.Beginning()],
    ["end", From.End()],
    ["12", From.Offset({ offset: 12n })],
    ["-3", From.Last({ count: 3n })],
    ["@1700000000000", new SinceTime({ timestampMs: 1_700_000_000_000 })],
    ["@2026-01-31T12:00:00Z", new SinceTime({ timestampMs: Date.UTC(2026, 0, 31, 12) })]
  ] as const
  for (const [text, from] of cases) {
    it(`understands ${text}`, () => assert.deepEqual(parseFrom(text), Either.right(from)))
  }
  for (const text of ["", "@", "@soon", "1.5", "--1", "start"]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.isTrue(Either.isLeft(parseFrom(text))))
  }
})
