import { assert, it } from "@effect/vitest"
import { makeAbortFilter } from "../../src/domain/abortFilter.js"

const batch = (lastOffset: bigint, producerId: bigint) => ({
  lastOffset,
  producerId,
  transactional: true,
  control: false
})

it("of two transactions that were open before the fetch begins, the later one may have the first batch", () => {
  const isData = makeAbortFilter([{ producerId: 1n, firstOffset: 0n }, { producerId: 2n, firstOffset: 1n }])
  const seen = [batch(5n, 2n), batch(6n, 1n), batch(7n, 3n)].map((one) => isData(one, () => false))
  assert.deepStrictEqual(seen, [false, false, true])
})
