import { assert, it } from "@effect/vitest"
import kafkajs from "kafkajs"
import { type Gap, seenAt, unownedFor, unownedOf } from "../../proof/chaos/owners.js"

const member = (assignment: Readonly<Record<string, Array<number>>>) => ({
  memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment,
    userData: Buffer.alloc(0)
  })
})

const orders = (...partitions: ReadonlyArray<number>) => partitions.map((partition) => ({ topic: "orders", partition }))

it("a partition is nobody's unless a member of its topic's own group has it", () => {
  const payments = { topic: "payments", partition: 0 }
  const places = [...orders(0, 1, 2), payments]
  const groups = [
    { groupId: "group-orders", members: [member({ orders: [0] }), member({ orders: [2], payments: [0] })] },
    { groupId: "group-payments", members: [] }
  ]
  assert.deepStrictEqual(unownedOf(places, groups), [...orders(1), payments])
  assert.deepStrictEqual(unownedOf(places, []), places)
})

it("a member that has nothing yet, while the group rebalances, owns nothing", () => {
  const rebalancing = { groupId: "group-orders", members: [{ memberAssignment: Buffer.alloc(0) }] }
  assert.deepStrictEqual(unownedOf(orders(0), [rebalancing]), orders(0))
})

it("only a time that was too long at a stretch is told, also when it is over", () => {
  const looks: ReadonlyArray<readonly [number, ...ReadonlyArray<number>]> = [
    [0, 0, 1, 2],
    [50, 0, 1], // 2 has found somebody
    [101, 0], // 1 has, too late
    [150, 0, 2],
    [220, 0, 2], // 2 was nobody's for 50 and for 70: neither is too long
    [230, 0]
  ]
  const gaps = looks.reduce<ReadonlyArray<Gap>>((known, [atMs, ...none]) => seenAt(known, orders(...none), atMs), [])
  assert.deepStrictEqual(
    unownedFor(gaps, 100),
    [[0, 230] as const, [1, 101] as const].map(([partition, ms]) => ({
      kind: "unowned" as const,
      place: { topic: "orders", partition },
      ms,
      allowedMs: 100
    }))
  )
  assert.deepStrictEqual(gaps.filter(({ isOpen }) => isOpen).map(({ place }) => place), orders(0))
})
