import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { textOf } from "../../domain/consumerRecord.js"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import type { Consumer, KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import { type ClientMetrics, makeClientMetrics } from "./clientMetrics.js"
import { consume, type ConsumeError, type ConsumeOptions, type Process } from "./consume.js"
import { type Finish, makeFinish } from "./finish.js"
import { narrate } from "./narration.js"
import { type Began, delayed, type HandedOff, handOff, type HandOffOptions } from "./process.js"
import { readableEnd } from "./reset.js"
import type { Sink, Sinks } from "./sink.js"
import type { CommandError } from "../exitCodes.js"

/** How often the group is asked how far members of other processes have come. */
const lookAtGroupEvery = "1 second"

export interface ReadGroupOptions extends Omit<ConsumeOptions, "group" | "name" | "finish" | "progress"> {
  /** Undefined: a read that belongs to no group, under a random name; it commits nothing. */
  readonly group: string | undefined
  /** Members of the group in this process. */
  readonly members: number
  /** Stop when the ends that the log has at the start are reached. */
  readonly untilEnd: boolean
  /** Stop after so many records, all members together. */
  readonly max: number | undefined
  /** Work on each record before it is written. */
  readonly processDelayMs: number
  /** Work that the poll loop does not wait for. */
  readonly handOff: HandOffOptions | undefined
  /** How often what the members measure is printed. */
  readonly metricsEveryMs: number | undefined
}

/** Members whose names and ends are not those of a read that is alone in its process. */
export interface OwnMembers {
  readonly names: ReadonlyArray<string>
  /** Runs one member's work until it ends, or this member alone is to stop. */
  readonly until: <A, E, R>(member: string, work: Effect.Effect<A, E, R>) => Effect.Effect<void, E, R>
}

export type ReadError = CommandError | ConsumeError | TopicMissing

/** Members of one group on one topic, each with its own sink, until they are interrupted or the read is over. */
export const readGroup = (
  options: ReadGroupOptions,
  sinks: Sinks,
  own?: OwnMembers
): Effect.Effect<void, ReadError, Consumer | Admin> =>
  Effect.gen(function*() {
    const group = options.group ?? (yield* randomGroup)
    const finish = yield* finishOf(options)
    // Positions that count more than the group's: see StartOptions.
    const progress = options.group === undefined || options.from !== undefined ? new Map<number, bigint>() : undefined
    const shared: ConsumeOptions = {
      ...options,
      group,
      name: "",
      commit: options.group === undefined ? "none" : options.commit,
      finish,
      ...(progress === undefined ? {} : { progress })
    }
    // Where other positions count, the group's say nothing: it may have committed the ends long ago.
    if (options.untilEnd && options.group !== undefined && progress === undefined) {
      yield* Effect.forkScoped(watchGroup(options.group, options.topic, finish))
    }
    const names = own?.names ?? Array.from({ length: options.members }, (_, index) => `consumer-thread-${index}`)
    const named = own !== undefined || names.length > 1
    const member = (name: string) => {
      const reading = readMember({ ...shared, name }, options, sinks(name), named ? `${name} >> ` : "")
      return own === undefined ? reading : own.until(name, reading)
    }
    yield* Effect.forEach(names, member, { concurrency: "unbounded", discard: true })
  }).pipe(Effect.scoped)

const randomGroup = Effect.map(
  Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER),
  (number) => `tributary-read-${number.toString(36)}`
)

const finishOf = (
  { isolation, max, topic, untilEnd }: ReadGroupOptions
): Effect.Effect<Finish, KafkaUnavailable | KafkaRefused | TopicMissing, Admin> =>
  Effect.gen(function*() {
    if (!untilEnd) return makeFinish({ max, ends: undefined })
    const ranges = yield* Effect.flatMap(Admin, (admin) => admin.logRanges(topic))
    return makeFinish({ max, ends: new Map(ranges.map((range) => [range.partition, readableEnd(range, isolation)])) })
  })

/** Partitions that members of other processes hold are read when the group has committed their ends. */
const watchGroup = (group: string, topic: string, finish: Finish) =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const committed = yield* admin.committedOffsets(group, topic)
    finish.reached(Array.from(committed, ([partition, offset]) => ({ partition, offset })))
  }).pipe(
    // Only this look is in vain: the next one comes in a second, and our own members tell more.
    Effect.catchTags({ KafkaUnavailable: () => Effect.void, KafkaRefused: () => Effect.void }),
    Effect.repeat(Schedule.spaced(lookAtGroupEvery))
  )

const readMember = (
  consuming: ConsumeOptions,
  options: ReadGroupOptions,
  sink: Sink,
  prefix: string
): Effect.Effect<void, CommandError | ConsumeError, Consumer | Admin> =>
  Effect.gen(function*() {
    const { name, topic } = consuming
    const metrics = makeClientMetrics(options, yield* Clock.currentTimeMillis)
    const began: Began = ({ value }) =>
      Console.error(`${prefix}${value === null ? "null" : textOf(value)} sleeping in ${name}`)
    const { process, ...handedOff } = yield* workOf(options, sink, began)
    const print = printMetrics(metrics, topic, prefix)
    const printed = options.metricsEveryMs === undefined
      ? Effect.void
      : Effect.forkScoped(Effect.forever(Effect.delay(print, options.metricsEveryMs)))
    yield* printed
    const reading = consume(consuming, process, {
      ...handedOff,
      begin: (starts) => sink.begin(topic, starts),
      measures: metrics.measures,
      report: (event) => {
        metrics.happened(event)
        const said = narrate(topic, name, event)
        if (said === undefined) return Effect.void
        return Console.error(event._tag === "Wakeup" ? said : `${prefix}${said}`)
      }
    })
    // Once more at the end: a read may be shorter than the interval.
    yield* options.metricsEveryMs === undefined ? reading : Effect.ensuring(reading, print)
  }).pipe(Effect.scoped)

const workOf = (
  options: ReadGroupOptions,
  sink: Sink,
  began: Began
): Effect.Effect<{ process: Process<CommandError> } & Partial<HandedOff<CommandError>>, never, Scope.Scope> => {
  const write: Process<CommandError> = (records) => sink.write(records)
  if (options.handOff !== undefined) return handOff(options.handOff, write, began)
  return Effect.succeed({ process: options.processDelayMs === 0 ? write : delayed(options.processDelayMs, write) })
}

const printMetrics = (metrics: ClientMetrics, topic: string, prefix: string) =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const ranges = yield* admin.logRanges(topic)
    const nowMs = yield* Clock.currentTimeMillis
    for (const line of metrics.lines(nowMs, ranges)) yield* Console.error(`${prefix}${line}`)
  }).pipe(
    Effect.catchAll((error) => Console.error(`${prefix}the measures are not known now: ${error.message}`))
  )
