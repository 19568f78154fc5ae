import * as Effect from "effect/Effect"
import { Admin } from "../layers/Admin.js"
import { Destination } from "../layers/Destination.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import type { Held } from "./held.js"
import { type Backoff, throughOutage } from "./outage.js"
import { groupsOf, type Job } from "./runGroups.js"
import type { TopicProgress } from "./topicPipeline.js"

const endStoredEvery = "200 millis"
/** Whatever is wrong is said, and stopped, by the partitions; here it only means "not yet". */
const anyError = [
  "KafkaUnavailable",
  "KafkaRefused",
  "TopicMissing",
  "DestinationUnavailable",
  "DestinationRefused"
] as const

type RunningJob = Job & Pick<TopicProgress, "stopped">

interface Short {
  readonly topic: string
  readonly partition: number
  /** Why it stays where it is; undefined: it goes on, here or in another process. */
  readonly held: Held | undefined
}

/**
 * Returns when the stored offsets have reached the ends that the topics have now, but for those of groups of which no
 * member is active any more. Fails when all that is left is stopped: nobody would come to wait for it.
 */
export const endStored = (
  active: ReadonlySet<RunningJob>,
  backoff: Backoff
): Effect.Effect<void, CommandError, Admin | Destination> =>
  Effect.gen(function*() {
    const pairs = groupsOf([...active])
    const admin = yield* Admin
    const destination = yield* Destination
    const ends = Effect.forEach(pairs, ({ topic }) => admin.logRanges(topic))
    const ranges = yield* throughOutage("ends of the topics", backoff, ends, anyError)
    const offsets = Effect.forEach(pairs, ({ group, topic }) => destination.stored(topic, group))
    const left = Effect.map(throughOutage("stored offsets", backoff, offsets, anyError), (rows) =>
      pairs.flatMap((pair, index) => {
        const members = [...active].filter((job) =>
          keyOf(groupsOf([job])[0]) === keyOf(pair)
        )
        if (members.length === 0) return []
        const stored = new Map(rows[index]?.map(({ offset, partition }) => [partition, offset]))
        return (ranges[index] ?? [])
          .filter(({ lastStable, partition }) => (stored.get(partition) ?? 0n) < lastStable)
          .map(({ partition }): Short => ({
            topic: pair.topic,
            partition,
            held: members.map(({ stopped }) => stopped.get(partition)).find((held) => held !== undefined)
          }))
      }))
    let short = yield* left
    while (!short.every(({ held }) => held !== undefined)) short = yield* Effect.delay(left, endStoredEvery)
    if (short.length > 0) yield* stoppedError(short)
  })

const keyOf = (pair: { readonly group: string; readonly topic: string } | undefined): string =>
  JSON.stringify([pair?.group, pair?.topic])

const stoppedError = (short: ReadonlyArray<Short>): CommandError =>
  new CommandError({
    code: "TRB-2408",
    exit: ExitCode.failed,
    what: `${short.length} ${short.length === 1 ? "partition" : "partitions"} could not be written to the end`,
    details: short.flatMap(({ held, partition, topic }) =>
      held === undefined ? [] : [`${topic}-${partition}: ${held.what}; ${held.cure}`]
    ),
    cure: "set right what is listed, then run it again: it goes on where it stopped"
  })
