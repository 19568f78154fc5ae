// Rows per second of the row encoder, against JSON.stringify of the same records in the same run.
// Run: npx vite-node bench/rowEncoder.ts
import * as Either from "effect/Either"
import { makeChangeBatch } from "../src/domain/sql/changes.js"
import { planTable } from "../src/domain/sql/plan/planTable.js"
import { mysql } from "../src/domain/sql/mysql.js"
import { makeRowEncoder } from "../src/domain/sql/rowEncoder.js"
import { defaultTopicSettings } from "../src/domain/TopicSettings.js"
import { compile } from "../src/layers/avro/AvroCodec.js"
import { sha256 } from "../src/layers/sha256.js"

const schemaText = JSON.stringify({
  type: "record",
  name: "Payment",
  fields: [
    { name: "id", type: "long" },
    { name: "account", type: "string" },
    { name: "amount", type: "double" },
    { name: "balance", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
    { name: "happened_at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "category", type: "string" },
    { name: "memo", type: ["null", "string"] },
    { name: "flag", type: "boolean" }
  ]
})
const count = 20_000
const rounds = 15
const codec = Either.getOrThrow(compile(schemaText))
const plan = Either.getOrThrow(planTable({
  schema: codec.schema,
  topic: "bench",
  schemaId: 1,
  table: "bench",
  settings: defaultTopicSettings
}))
const encoder = makeRowEncoder(mysql, plan, { keyColumns: true, ignored: new Set() }, sha256)
const record = { timestampMs: 0, key: null, value: null, headers: [] }
const write = (value: unknown, index: number) =>
  encoder.write({ record: { ...record, offset: BigInt(index) }, key: undefined, value, sourceId: 7, partition: 2 })
const encoded = Array.from({ length: count }, (_, index) => {
  const balance = Buffer.alloc(6)
  balance.writeIntBE(index * 1009 - 5_000_000, 0, 6)
  return codec.encode({
    id: BigInt(index) * 1_000_003n,
    account: `ACC-${index}`,
    amount: Math.round(index * 137.7) / 100,
    balance,
    happened_at: 1_760_000_000_000n + BigInt(index) * 977n,
    category: "groceries",
    memo: index % 3 === 0 ? null : `O'Neill paid ${index}`,
    flag: index % 2 === 0
  })
})
const values = encoded.map((bytes) => Either.getOrThrow(codec.decode(bytes, 0)))
const plainJson = values.map((value) =>
  Object.fromEntries(
    Object.entries(Object(value)).map(([name, field]) => [name, typeof field === "bigint" ? Number(field) : field])
  )
)

const tasks: ReadonlyArray<readonly [name: string, task: () => number]> = [
  ["JSON.stringify", () => plainJson.reduce((sum, value) => sum + JSON.stringify(value).length, 0)],
  ["decode", () => encoded.reduce((sum, bytes) => sum + (Either.isRight(codec.decode(bytes, 0)) ? 1 : 0), 0)],
  ["rows", () => {
    let sum = 0
    values.forEach((value, index) => {
      const change = write(value, index)
      if (Either.isRight(change)) sum += change.right.cells.length
    })
    return sum
  }],
  ["rows in statements", () => {
    const batch = makeChangeBatch(mysql, 1 << 20)
    values.forEach((value, index) => {
      const change = write(value, index)
      if (Either.isRight(change)) batch.add(change.right)
    })
    return batch.take().reduce((sum, statement) => sum + Buffer.byteLength(statement), 0)
  }]
]
const times = tasks.map((): Array<number> => [])
let check = 0
for (let round = 0; round < rounds; round++) {
  tasks.forEach(([, task], index) => {
    const start = performance.now()
    check += task()
    times[index]?.push(performance.now() - start)
  })
}
const median = (sorted: ReadonlyArray<number>): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
const medians = times.map((list) => median(list.slice(3).toSorted((a, b) => a - b)))
const perSecond = (ms: number): string => `${Math.round(count / ms)} k/s`
tasks.forEach(([name], index) => {
  const list = times[index]?.slice(3) ?? []
  const ms = medians[index] ?? Number.NaN
  const ratio = ms / (medians[0] ?? Number.NaN)
  console.log(
    `${name.padEnd(20)} ${perSecond(ms).padStart(10)}  (${perSecond(Math.max(...list))} to ${
      perSecond(Math.min(...list))
    })  ${ratio.toFixed(2)} x JSON.stringify`
  )
})
console.log(Either.getOrThrow(write(values[1], 1)), check)
