import { type MakeRecord, startMs, textOf, twosComplement } from "./record.js"

const largestLimit = 10n ** 24n - 1n
const dayMs = 86_400_000

/** `schemas/dataset2.avsc`. */
export const customer: MakeRecord = (random, index) => {
  const given = random.pick("Ada", "Grace", "Edsger", "Barbara", "Jürgen", "Zoë", "Søren", "José")
  const family = random.pick("Lovelace", "Hopper", "Dijkstra", "Liskov", "O'Neill", "Müller", "Nuñez", "Łukasz")
  const creditLimit = random.oneIn(30)
    ? random.pick(largestLimit, -largestLimit, 0n)
    : BigInt(random.integer(-100_000, 9_000_000)) * 5000n
  return {
    key: `customer-${index}`,
    value: {
      customer_id: index % 2_147_483_648,
      name: textOf(random, `${given} ${family}`),
      iban: random.oneIn(5) ? null : `DE${random.integer(10, 99)}${String(random.uint32()).padStart(18, "0")}`,
      segment: random.pick("RETAIL", "PRIVATE", "BUSINESS", "INSTITUTIONAL"),
      birth_date: random.oneIn(6) ? null : random.integer(-18_000, 13_000),
      credit_limit: twosComplement(creditLimit, 12),
      risk_score: Math.fround(random.fraction() * 2 - 1),
      branch_code: random.bytes(4),
      signature: random.bytes(random.integer(0, 24)),
      opened_at: BigInt(startMs - random.integer(0, 12_000) * dayMs + random.integer(0, dayMs - 1)),
      call_from: random.integer(0, dayMs - 1),
      call_until: random.oneIn(3)
        ? null
        : BigInt(random.integer(0, dayMs - 1)) * 1000n + BigInt(random.integer(0, 999)),
      updated_at: BigInt(startMs + index * 1000 + random.integer(0, 999)),
      reserved: null
    }
  }
}
