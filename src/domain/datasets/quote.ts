import { int64Max, type MakeRecord, shortestTwosComplement, startMs } from "./record.js"

/** `schemas/dataset3.avsc`. */
export const quote: MakeRecord = (random, index) => {
  const instrument = `XB${String(random.integer(0, 4999)).padStart(4, "0")}`
  const bid = random.integer(1, 5_000_000) / 1000
  const extreme = (): number => random.pick(0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 1e21, 1e-7, 0.1 + 0.2)
  const receivedMs = startMs + index * 10
  return {
    key: instrument,
    value: {
      quote_id: random.bytes(16),
      instrument,
      venue: random.pick("XETR", "XLON", "XNYS", "XTKS", "OTC"),
      level: random.oneIn(30) ? random.pick(2_147_483_647, -2_147_483_648, 0) : random.integer(0, 9),
      bid: random.oneIn(25) ? extreme() : bid,
      ask: random.oneIn(6) ? null : bid + random.fraction(),
      tick_size: random.oneIn(3) ? null : shortestTwosComplement(BigInt(random.integer(-1_000_000, 1_000_000))),
      yield: random.oneIn(2) ? null : Math.fround(random.fraction() * 20 - 5),
      volume: random.oneIn(30) ? int64Max : BigInt(random.integer(0, 1_000_000)),
      halted: random.oneIn(10) ? null : random.oneIn(20),
      received_at: BigInt(receivedMs) * 1_000_000n + BigInt(random.integer(0, 999_999)),
      quoted_at: BigInt(receivedMs) * 1000n - BigInt(random.integer(0, 900_000)),
      raw_message: random.oneIn(3) ? null : random.bytes(random.integer(0, 40))
    }
  }
}
