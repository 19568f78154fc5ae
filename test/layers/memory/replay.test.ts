import { assert, it } from "@effect/vitest"
import { Array, Clock, Effect, Random } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { type MemoryProcess, startProcess } from "../../../src/layers/memory/MemoryProcess.js"
import { Producer } from "../../../src/layers/Producer.js"
import { Transactions } from "../../../src/layers/Transactions.js"
import { bytes, inKafka, startReader } from "./reader.js"

/** One record each ten seconds, without a key. */
const producing = (records: number) =>
  Effect.gen(function*() {
    const { send } = yield* Producer
    for (let n = 0; n < records; n++) {
      yield* send("t", [{ key: null, value: bytes(String(n)) }])
      yield* Effect.sleep("10 seconds")
    }
  })

/** Copies what it reads in transactions with their offsets, one record each. */
const copying = (name: string, lines: Array<string>) =>
  Effect.gen(function*() {
    const transactions = yield* Transactions
    const producer = yield* transactions.open({ transactionalId: name, timeoutMs: 60_000 })
    const reader = yield* startReader({ group: name }, (line) => lines.push(`${name} ${line}`))
    for (let next = 0;; next++) {
      while (reader.read.length <= next) yield* Effect.sleep("1 second")
      const line = reader.read[next] ?? ""
      const [partition = "", offset = ""] = line.split(/[@ ]/)
      yield* producer.send("out", [{ key: null, value: bytes(line) }])
      yield* Effect.sleep("3 seconds")
      yield* producer.sendOffsets(name, "t", [{ partition: Number(partition), offset: BigInt(offset) + 1n }])
      yield* producer.commit
    }
  }).pipe(Effect.scoped)

const trace = (seed: number) =>
  inKafka(
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      kafka.createTopic("t", 3)
      kafka.createTopic("out", 1)
      const lines: Array<string> = []
      yield* Effect.fork(producing(60))
      let process: MemoryProcess<never, unknown> = yield* startProcess(copying("copy", lines))
      for (const _ of Array.range(1, 10)) {
        yield* Effect.sleep(yield* Random.nextIntBetween(1000, 60_000))
        yield* ((yield* Random.nextBoolean) ? process.kill : process.stop)
        lines.push(`ended at ${yield* Clock.currentTimeMillis}`)
        process = yield* startProcess(copying("copy", lines))
      }
      yield* Effect.sleep("15 minutes")
      const admin = yield* Admin
      const copied = kafka.log("out", 0).records().map(({ value }) => new TextDecoder().decode(value ?? undefined))
      return { lines, copied, committed: yield* admin.committedOffsets("copy", "t") }
    }),
    {},
    seed
  )

it("the same seed gives the same trace, another one another; and a copy in transactions is whole", () => {
  const [first, again, other] = [trace(1), trace(1), trace(2)]
  assert.deepStrictEqual(first, again)
  assert.notDeepEqual(first.lines, other.lines)
  for (const { committed, copied } of [first, other]) {
    assert.strictEqual(new Set(copied).size, 60)
    assert.lengthOf(copied, 60)
    assert.deepStrictEqual([...committed.values()], [20n, 20n, 20n])
  }
})
