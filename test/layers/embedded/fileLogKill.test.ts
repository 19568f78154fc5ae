import { assert, it } from "@effect/vitest"
import { Effect, Either, Random, Schedule } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { decodeRecords } from "../../../src/domain/batchRecords.js"
import { readBatchHeader } from "../../../src/domain/recordBatch.js"
import { Admin } from "../../../src/layers/Admin.js"
import * as FileLogAdmin from "../../../src/layers/embedded/FileLogAdmin.js"
import * as FileLogProducer from "../../../src/layers/embedded/FileLogProducer.js"
import { Producer } from "../../../src/layers/Producer.js"
import { kill, startChild } from "../childProcess.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

/** Everything in the log, in order; fails on a byte that belongs to no batch or an offset out of its turn. */
const readLog = (root: string): ReadonlyArray<string> => {
  const log = readFileSync(join(root, "t-0", "00000000000000000000.log"))
  const values: Array<string> = []
  for (let at = 0; at < log.length;) {
    const header = Either.getOrThrow(readBatchHeader(log, at, 0))
    for (const { offset, value } of Either.getOrThrow(decodeRecords(log, at, header, new Map()))) {
      assert.strictEqual(offset, BigInt(values.length))
      values.push(new TextDecoder().decode(value ?? undefined))
    }
    at += header.bytes
  }
  return values
}

// Two producers append beside each other; each is killed at a moment of its own, in two rounds.
it.scopedLive(
  "producers killed with SIGKILL leave every acknowledged record, once and in order",
  () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      yield* Effect.flatMap(
        serviceOf(Admin, FileLogAdmin.layer(root)),
        (admin) => admin.createTopic({ topic: "t", partitions: 1 })
      )
      const acknowledged = new Map<string, number>()
      const live = (name: string) =>
        Effect.scoped(Effect.gen(function*() {
          const { child, output } = yield* startChild("logWriter.ts", root, "t", name)
          // A busy machine takes long for the first; what it takes for the others is left to chance.
          yield* Effect.repeat(Effect.void, {
            until: () => output().includes("acknowledged"),
            schedule: Schedule.spaced("5 millis")
          })
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 600))
          yield* kill(child)
          acknowledged.set(name, Number(output().match(/\d+(?=\n$)/)?.[0] ?? -1))
        }))
      for (const round of [1, 2]) {
        yield* Effect.all([live(`a${round}`), live(`b${round}`)], { concurrency: "unbounded" })
      }
      // The next append cuts what the last kill may have left.
      const producer = yield* serviceOf(Producer, FileLogProducer.layer({ root }))
      yield* producer.send("t", [{ partition: 0, key: null, value: new TextEncoder().encode("end:0:") }])
      const values = readLog(root)
      assert.strictEqual(values.at(-1), "end:0:")
      for (const [name, last] of acknowledged) {
        const numbers = values.filter((value) => value.startsWith(`${name}:`)).map((value) =>
          Number(value.split(":")[1])
        )
        assert.deepStrictEqual(numbers, numbers.map((_, index) => index), `${name}: no gap and no repeat`)
        assert.isAtLeast(numbers.length, last + 1)
      }
      assert.isAbove([...acknowledged.values()].reduce((sum, last) => sum + last, 0), 0)
    }),
  240_000
)
