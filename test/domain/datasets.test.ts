import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { readFileSync } from "node:fs"
import type { AvroSchema } from "../../src/domain/avro/AvroSchema.js"
import { type Dataset, datasetRecord, datasets } from "../../src/domain/datasets.js"
import { partitionOfKey } from "../../src/domain/murmur2.js"
import { makeRandom, seedOf } from "../../src/domain/random.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { insertEncoder, plannedBy } from "../support/rows.js"
import { type AvroCodec, compile } from "../../src/layers/avro/AvroCodec.js"

const count = 1200
const codecOf = (dataset: Dataset): AvroCodec =>
  Either.getOrThrow(compile(readFileSync(new URL(`../../schemas/${dataset}.avsc`, import.meta.url), "utf8")))
const records = (dataset: Dataset, seed: number) =>
  Array.from({ length: count }, (_, index) => datasetRecord(dataset, seed, index))

const kindsIn = (schema: AvroSchema): ReadonlyArray<string> => {
  switch (schema.type) {
    case "record":
      return schema.fields.flatMap((field) => kindsIn(field.schema))
    case "union":
      return ["union", ...schema.branches.flatMap(kindsIn)]
    case "enum":
    case "array":
    case "map":
    case "reference":
      return [schema.type]
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "bytes":
    case "fixed":
      return [schema.type, ...(schema.logical === undefined ? [] : [schema.logical.name])]
  }
}

for (const dataset of datasets) {
  describe(dataset, () => {
    const codec = codecOf(dataset)

    it("each record is a row of its schema, and comes back from Avro as it was", () => {
      const plan = Either.getOrThrow(plannedBy(codec.schema, dataset, dataset))
      const encoder = insertEncoder(mysql, plan)
      for (const [index, { value }] of records(dataset, 42).entries()) {
        const back = Either.getOrThrow(codec.decode(codec.encode(value), 0))
        assert.deepStrictEqual({ ...Object(back) }, value)
        assert.deepStrictEqual(
          Either.flip(encoder.row(back, 1, 0, BigInt(index))),
          Either.flip(encoder.row(value, 1, 0, BigInt(index)))
        )
        assert.isTrue(Either.isRight(encoder.row(back, 1, 0, BigInt(index))))
      }
    })

    it("the same seed makes the same records, in any order; another seed makes others", () => {
      const some = records(dataset, 7)
      const again = some.map((_, index) => datasetRecord(dataset, 7, count - 1 - index)).toReversed()
      assert.deepStrictEqual(again, some)
      assert.notDeepEqual(records(dataset, 8), some)
      assert.notDeepEqual(datasetRecord(dataset, 7, 2 ** 32), datasetRecord(dataset, 7, 0))
    })

    it("has keys that fill three partitions evenly", () => {
      const filled = [0, 0, 0]
      for (const { key } of records(dataset, 42)) {
        const partition = partitionOfKey(Buffer.from(key), 3)
        filled[partition] = (filled[partition] ?? 0) + 1
      }
      for (const size of filled) assert.closeTo(size, count / 3, count / 15)
    })
  })
}

it("together they hold every primitive, nullable fields, enum, fixed and the logical types that have a column", () => {
  const kinds = new Set(datasets.flatMap((dataset) => kindsIn(codecOf(dataset).schema)))
  const primitives = ["null", "boolean", "int", "long", "float", "double", "string", "bytes"]
  const logical = ["decimal", "uuid", "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros"]
  const others = ["timestamp-nanos", "local-timestamp-millis", "local-timestamp-micros", "union", "enum", "fixed"]
  assert.deepStrictEqual([...kinds].toSorted(), [...primitives, ...logical, ...others].toSorted())
})

it("the ends of the ranges and the awkward texts occur", () => {
  const text = JSON.stringify(
    datasets.flatMap((dataset) => records(dataset, 42)),
    (_, value: unknown) => typeof value === "bigint" ? `${value}n` : value
  )
  for (
    const wanted of ["9223372036854775807n", "-9223372036854775808n", "😀", "\\\\", "'", "\"\"", "\\u0000", "5e-324"]
  ) {
    assert.include(text, wanted)
  }
})

describe("seeded randomness", () => {
  it("fills its ranges evenly", () => {
    const random = makeRandom(1)
    const counts = new Map<number, number>()
    for (let draw = 0; draw < 60_000; draw++) {
      const face = random.integer(1, 6)
      counts.set(face, (counts.get(face) ?? 0) + 1)
    }
    assert.deepStrictEqual([...counts.keys()].toSorted((a, b) => a - b), [1, 2, 3, 4, 5, 6])
    for (const times of counts.values()) assert.closeTo(times, 10_000, 500)
  })

  it("gives different numbers different seeds, wherever they stand and however large", () => {
    const seeds = [
      seedOf(1, 2),
      seedOf(2, 1),
      seedOf(1),
      seedOf(1, 2, 0),
      seedOf(2 ** 32, 2),
      seedOf(0, 2),
      seedOf(-1, 2)
    ]
    assert.strictEqual(new Set(seeds).size, seeds.length)
  })
})
