// For how long a compressed batch that is made for it holds the event loop on its way from a fetch to records: one value
// of 60 MiB, or two million records without any. Best and median of the rounds, of the longest hold in each; "at once" is
// the same without turns. Run: npx vite-node bench/batches.ts
import { Either } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { decodeRecords, encodeBatch } from "../src/domain/batchRecords.js"
import type { KafkaRecord } from "../src/domain/KafkaRecord.js"
import { readBatchHeader } from "../src/domain/recordBatch.js"
import { batchCodecs, codecFor, compressor } from "../src/layers/kafka/codecs.js"
import { decodeRecordSet } from "../src/layers/kafka/fetchResponse.js"

const rounds = 5
const limitMs = 50
const names = (["gzip", "snappy", "lz4", "zstd"] as const).filter((name) => Either.isRight(compressor(name)))

const recordOf = (offset: number, value: Uint8Array | null): KafkaRecord => ({
  offset: BigInt(offset),
  timestampMs: 0,
  key: null,
  value,
  headers: []
})
const first = (value: Uint8Array | null) => recordOf(0, value)
const shapes = {
  "60 MiB in one record": [first(Buffer.alloc(60 * 1024 * 1024, "Kafka"))],
  "2,000,000 records": [first(null), ...Array.from({ length: 1_999_999 }, (_, index) => recordOf(index + 1, null))]
} as const satisfies Record<string, readonly [KafkaRecord, ...ReadonlyArray<KafkaRecord>]>

/** The longest time, in ms, for which nothing else had its turn. */
const holdOf = async (task: () => unknown): Promise<number> => {
  const delay = monitorEventLoopDelay({ resolution: 2 })
  delay.enable()
  await sleep(20)
  await task()
  await sleep(20)
  delay.disable()
  return delay.max / 1e6
}

const inTurns = async (recordSet: Uint8Array): Promise<void> => {
  const answer = { topic: "bench", partition: 0, errorCode: 0, aborted: [], recordSet }
  const fetched = await decodeRecordSet(answer, 0n)
  // From the middle on, as the next fetch does.
  if (fetched !== undefined && fetched.nextOffset > 1n) await decodeRecordSet(answer, fetched.nextOffset)
}
const atOnce = (recordSet: Uint8Array): void => {
  decodeRecords(recordSet, 0, Either.getOrThrow(readBatchHeader(recordSet, 0, 0)), batchCodecs)
}

const ms = (value = Number.NaN): string => value.toFixed(1).padStart(7)
let longest = 0
console.log(`${"".padEnd(30)}     KiB    best  median   at once`)
for (const [shape, records] of Object.entries(shapes)) {
  for (const name of names) {
    const recordSet = encodeBatch(records, Either.getOrThrow(codecFor(name)))
    const holds: Array<number> = []
    for (let round = 0; round < rounds; round++) holds.push(await holdOf(() => inTurns(recordSet)))
    const [best = Number.NaN, , median] = holds.toSorted((a, b) => a - b)
    longest = Math.max(longest, best)
    const kibibytes = Math.round(recordSet.length / 1024)
    const whole = await holdOf(() => atOnce(recordSet))
    console.log(
      `${`${shape}, ${name}`.padEnd(30)} ${String(kibibytes).padStart(7)} ${ms(best)} ${ms(median)}   ${ms(whole)}`
    )
  }
}
console.log(`longest: ${ms(longest)} ms`)
if (longest > limitMs) process.exitCode = 1
