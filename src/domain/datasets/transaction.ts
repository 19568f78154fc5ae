import { int64Max, int64Min, type MakeRecord, shortestTwosComplement, startMs, textOf } from "./record.js"

const largestAmount = 999_999_999_999_999_999n

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0").slice(-digits)

/** `schemas/dataset1.avsc`. The last 12 digits of the id are the index: no two records share it. */
export const transaction: MakeRecord = (random, index) => {
  const account = random.integer(1, 10_000)
  const id = [
    hex(random.uint32(), 8),
    hex(random.uint32(), 4),
    `4${hex(random.uint32(), 3)}`,
    `a${hex(random.uint32(), 3)}`
  ]
  const bookedMs = startMs + index * 250 + random.integer(0, 249)
  const amount = random.oneIn(50)
    ? random.pick(0n, largestAmount, -largestAmount, -1n)
    : BigInt(random.integer(-500_000_00, 500_000_00))
  return {
    key: `account-${account}`,
    value: {
      transaction_id: `${id.join("-")}-${hex(index, 12)}`,
      account_id: BigInt(account),
      kind: random.pick("DEPOSIT", "WITHDRAWAL", "TRANSFER", "CARD_PAYMENT", "FEE", "INTEREST"),
      amount: shortestTwosComplement(amount),
      currency: random.pick("EUR", "USD", "GBP", "CHF", "JPY"),
      booked_at: BigInt(bookedMs) * 1000n + BigInt(random.integer(0, 999)),
      value_date: Math.floor(bookedMs / 86_400_000) + random.integer(0, 2),
      counterparty: random.oneIn(4) ? null : textOf(random, `Customer ${random.integer(1, 90_000)}`),
      reference: textOf(random, `Invoice ${index}`),
      reversed: random.oneIn(40),
      trace_number: random.oneIn(20) ? random.pick(int64Max, int64Min, 0n, -1n) : random.int64()
    }
  }
}
