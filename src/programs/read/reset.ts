import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import type { Isolation, KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"

/** What `auto.offset.reset` says of a position that is not known or that the log does not hold. */
export type Reset = "earliest" | "latest" | "none"

/** There is no position to read from, and the reset rule is not to choose one. */
export class NoOffset extends Data.TaggedError("NoOffset")<{
  readonly topic: string
  readonly partition: number
  readonly group: string
  /** The position that the log does not hold; undefined where nothing is committed. */
  readonly position: bigint | undefined
}> {
  override get message(): string {
    const where = `${this.topic}-${this.partition}`
    return this.position === undefined
      ? `group ${this.group} has no committed offset for ${where}`
      : `the log of ${where} does not hold offset ${this.position}, where group ${this.group} stands`
  }
}

/** The log cannot be read where a partition stands: a checksum, a format or a compression that nobody can undo. */
export class Unreadable extends Data.TaggedError("Unreadable")<{ readonly reason: string }> {
  override get message(): string {
    return this.reason
  }
}

/** The end that a reader of this isolation can reach. */
export const readableEnd = (range: LogRange, isolation: Isolation): bigint =>
  isolation === "read_committed" ? range.lastStable : range.end

export interface Asked {
  readonly topic: string
  readonly group: string
  readonly partition: number
  readonly isolation: Isolation
  readonly reset: Reset
  readonly position: bigint | undefined
}

/** Where the rule puts a reader. */
export const resetIn = (
  range: LogRange,
  { group, isolation, partition, position, reset, topic }: Asked
): Effect.Effect<bigint, NoOffset> => {
  switch (reset) {
    case "earliest":
      return Effect.succeed(range.low)
    case "latest":
      return Effect.succeed(readableEnd(range, isolation))
    case "none":
      return new NoOffset({ topic, partition, group, position })
  }
}

/** Where a reader goes on whose position the log does not seem to hold: there all the same, if it does. */
export const resetTo = (
  asked: Asked & { readonly position: bigint }
): Effect.Effect<bigint, NoOffset | KafkaUnavailable | KafkaRefused | TopicMissing, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const range = (yield* admin.logRanges(asked.topic)).find(({ partition }) => partition === asked.partition)
    if (range === undefined) return asked.position
    return range.low <= asked.position && asked.position <= range.end ? asked.position : yield* resetIn(range, asked)
  })
