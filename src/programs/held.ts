import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LogRange } from "../domain/KafkaRecord.js"

/**
 * The partition cannot go on without a person; the others can. Nothing of it is skipped: it stays where it is until it
 * is assigned again.
 */
export class Held extends Data.TaggedError("Held")<{ readonly what: string; readonly cure: string }> {
  override get message(): string {
    return `${this.what}; ${this.cure}`
  }
}

export const toHeld = (error: { readonly what: string; readonly cure: string }): Held => new Held(error)

/** Says why something is stopped, now and from time to time: who looks at the log tomorrow has to find it, too. */
export const sayStopped = (what: string, reason: Held): Effect.Effect<never> => {
  const say = Effect.logError(`${what} is stopped: ${reason.message}`)
  return Effect.zipRight(say, Effect.forever(Effect.delay(say, "5 minutes")))
}

export interface Where {
  readonly topic: string
  readonly partition: number
  readonly group: string
}

/** The statement by which a person moves a stored offset. It raises the generation, so that a running owner notices. */
const moveOffset = ({ topic, partition, group }: Where, to: bigint): string =>
  `UPDATE kafka_offsets SET \`offset\` = ${to}, generation = generation + 1 WHERE topic = '${topic}' AND \`partition\` = ${partition} AND consumer_group = '${
    group.replaceAll("'", "''")
  }'`

/**
 * Whether the log still holds what comes next: OFFSET_OUT_OF_RANGE must stop a partition, never skip or repeat. `move`: the
 * statement or command by which a person moves the offset to another one.
 */
export const outOfRange = (
  where: Where,
  position: bigint,
  range: LogRange,
  move = moveOffset
): Held | undefined => {
  if (position < range.low) {
    return new Held({
      what:
        `records are gone: ${where.topic}-${where.partition} wants offset ${position}, but its log starts at ${range.low}: `
        + `${range.low - position} offsets were deleted before they were written`,
      cure: `to accept the loss, stop Tributary and run: ${move(where, range.low)}`
    })
  }
  if (position > range.end) {
    return new Held({
      what: `${where.topic}-${where.partition} wants offset ${position}, but its log ends at ${range.end}: `
        + `the topic was deleted and created again, or its log was truncated`,
      cure: `to read the new log from its start, stop Tributary and run: ${move(where, range.low)}`
    })
  }
  return undefined
}

/**
 * A group that has read the topic elsewhere must not silently begin again at the earliest record. A member that has not
 * yet noticed that the topic is another one commits offsets of the life before: then only the deletion helps.
 */
export const committedElsewhere = (where: Where, committed: bigint, bootstrapServer: string): Held =>
  new Held({
    what: `kafka_offsets has no row for ${where.topic}-${where.partition} in group ${where.group}, `
      + `but the group has committed offset ${committed} to Kafka: something has consumed this partition before`,
    cure:
      `to go on there: INSERT INTO kafka_offsets (topic, \`partition\`, consumer_group, \`offset\`) VALUES ('${where.topic}', `
      + `${where.partition}, '${where.group}', ${committed}); to begin anew: choose another consumer.group, `
      + `or stop Tributary and run: kafka-consumer-groups.sh --bootstrap-server ${bootstrapServer} --delete-offsets `
      + `--group '${where.group}' --topic ${where.topic}:${where.partition}`
  })

/** Rows without their offset: beginning anew would write them a second time. */
export const rowsWithoutOffset = (where: Where, table: string): Held =>
  new Held({
    what: `kafka_offsets has no row for ${where.topic}-${where.partition} in group ${where.group}, `
      + `but table ${table} holds rows of it`,
    cure: "restore the row of kafka_offsets, or delete those rows"
  })

/** A schema or a table that is wrong must not empty a topic into the table of letters. */
export const mostlyLetters = (record: string, rateMax: number): Held =>
  new Held({
    what: `${record} would make dead letters more than ${Math.round(rateMax * 1000) / 10} % of the last records: `
      + "rather a schema or the table is wrong than each of them",
    cure: "look at the reasons in dead_letters and set right what they have in common, then restart; "
      + "or let more become letters: errors.max.rate"
  })

/** Offsets of the new life mean other records: going on would mix the two. */
export const recreated = (topic: string, before: string, now: string): Held =>
  new Held({
    what: `topic ${topic} was deleted and created again while it was read: its id was ${before} and is ${now}`,
    cure: "restart, and do what the start then says; or read it under another consumer.group"
  })

/** Why the log cannot be read where the position is now. */
export const unreadable = (reason: string): Held =>
  new Held({
    what: `the log cannot be read: ${reason}`,
    cure: "where a batch becomes too large, raise kafka.max.partition.fetch.bytes and restart; otherwise look at the "
      + "segment with kafka-dump-log --deep-iteration: what is broken has to be deleted or skipped by hand"
  })
