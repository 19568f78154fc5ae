import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { assignByTopic } from "../../../src/layers/kafka/topicAssigner.js"

const topicNames = ["a", "b", "c"] as const

const ascending = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)

describe("a group over several topics", () => {
  it("gives each partition to exactly one member that reads its topic, and no member two more than another", () => {
    const subscriptions = fc.uniqueArray(
      fc.record({ memberId: fc.string({ minLength: 1 }), topics: fc.subarray([...topicNames], { minLength: 1 }) }),
      { selector: ({ memberId }) => memberId, maxLength: 8 }
    )
    fc.assert(fc.property(subscriptions, fc.array(fc.nat(7), { minLength: 3, maxLength: 3 }), (members, counts) => {
      const partitionsOf = new Map(
        topicNames.map((
          topic,
          index
        ) => [topic, Array.from({ length: counts[index] ?? 0 }, (_, partition) => partition)])
      )
      const assigned = assignByTopic(members, partitionsOf)
      for (const [topic, partitions] of partitionsOf) {
        const readers = members.filter(({ topics }) => topics.includes(topic))
        const shares = readers.map(({ memberId }) => assigned.get(memberId)?.[topic] ?? [])
        const given = [...assigned.values()].flatMap((assignment) => assignment[topic] ?? [])
        assert.deepStrictEqual(ascending(shares.flat()), ascending(given))
        assert.deepStrictEqual(ascending(given), readers.length === 0 ? [] : partitions)
        const sizes = shares.map((share) => share.length)
        assert.isAtMost(Math.max(0, ...sizes) - Math.min(...sizes, Infinity), 1)
      }
    }))
  })

  it("leaves out members beyond the partitions", () => {
    const members = ["m1", "m2", "m3"].map((memberId) => ({ memberId, topics: ["a"] }))
    assert.deepStrictEqual([...assignByTopic(members, new Map([["a", [0, 1]]]))], [
      ["m1", { a: [0] }],
      ["m2", { a: [1] }]
    ])
  })
})
