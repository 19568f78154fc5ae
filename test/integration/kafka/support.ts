import { Chunk, Effect, Layer, Mailbox, Option, Predicate, Schedule } from "effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { cacheRoot } from "../../../scripts/servers/index.mjs"
import type { FetchedBatch, KafkaRecord } from "../../../src/domain/KafkaRecord.js"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer, GroupEvent, type JoinOptions, type Membership } from "../../../src/layers/Consumer.js"
import { InstanceLock, layerNoop } from "../../../src/layers/InstanceLock.js"
import type { KafkaClientOptions, KafkaConsumerOptions } from "../../../src/layers/kafka/client.js"
import * as KafkaAdmin from "../../../src/layers/kafka/KafkaAdmin.js"
import * as KafkaConsumer from "../../../src/layers/kafka/KafkaConsumer.js"
import * as KafkaProducer from "../../../src/layers/kafka/KafkaProducer.js"
import type { Compression, OutgoingRecord } from "../../../src/layers/Producer.js"

export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(5).toString("hex")}`

/** Far longer than any machine stalls: a member that is expelled is another test. */
const sessionTimeoutMs = 30_000

export const optionsOf = (address: string) => ({
  brokers: address.split(","),
  clientId: "tributary-test",
  sessionTimeoutMs,
  heartbeatIntervalMs: 1000,
  pollIntervalMs: 100,
  fetchMaxBytesPerPartition: 1024 * 1024
})

/** A broker may stall for longer than the five seconds that a question has, and is asked again some times then. */
const again = { times: 5, while: Predicate.isTagged("KafkaUnavailable") } as const

const patientAdmin = (options: KafkaClientOptions) =>
  Layer.effect(
    Admin,
    Effect.map(Admin, (admin) =>
      Admin.of({
        describeTopic: (topic) => Effect.retry(admin.describeTopic(topic), again),
        logRanges: (topic) => Effect.retry(admin.logRanges(topic), again),
        committedOffsets: (group, topic) => Effect.retry(admin.committedOffsets(group, topic), again),
        createTopic: (topic) => Effect.retry(admin.createTopic(topic), again)
      }))
  ).pipe(Layer.provide(KafkaAdmin.layer(options)))

export const layersOf = (
  address: string,
  compression: Compression = "none",
  lock = layerNoop,
  more: Partial<KafkaConsumerOptions> = {}
) => {
  const options = { ...optionsOf(address), ...more }
  return Layer.mergeAll(
    patientAdmin(options),
    KafkaProducer.layer({ ...options, compression }),
    KafkaConsumer.layer(options)
  ).pipe(Layer.provideMerge(lock))
}

/** An instance lock that keeps the ids of members as they join and as they leave, and no file. */
export const memberIds = () => {
  const joined: Array<string> = []
  const left: Array<string> = []
  const lock = Layer.succeed(InstanceLock, {
    deadMembers: [],
    record: ({ memberId }) => Effect.sync(() => void joined.push(memberId)),
    forget: ({ memberId }) => Effect.sync(() => void left.push(memberId))
  })
  return { joined, left, lock }
}

/** A broker hears a moment later of what the controller has done: until the leaders of so many partitions answer. */
export const leadersAnswer = (topic: string, partitions: number) =>
  Effect.flatMap(Admin, (admin) => admin.logRanges(topic)).pipe(
    Effect.filterOrFail((ranges) => ranges.length === partitions),
    Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo("2 minutes")))
  )

/** A new topic of one run, whose leaders answer: a broker may be named as leader before it knows of it. */
export const freshTopic = (partitions = 1) =>
  Effect.gen(function*() {
    const topic = uniqueName("kafka-layer")
    const admin = yield* Admin
    yield* admin.createTopic({ topic, partitions })
    yield* leadersAnswer(topic, partitions)
    return topic
  })

export const keyed = (from: number, count: number, partition = 0): ReadonlyArray<OutgoingRecord> =>
  Array.from({ length: count }, (_, index) => ({
    partition,
    key: Buffer.from(`k${from + index}`),
    value: Buffer.from(`v${from + index}`)
  }))

export const textOf = (record: KafkaRecord): string => Buffer.from(record.value ?? []).toString()

/** A member that keeps what it is given. */
export const member = (
  topic: string,
  group: string,
  answer: (batch: FetchedBatch) => "fetch" | "pause" = () => "fetch",
  more: Pick<JoinOptions, "isolation" | "onRevoked"> = {}
) =>
  Effect.gen(function*() {
    const batches = yield* Mailbox.make<FetchedBatch>()
    const consumer = yield* Consumer
    const joining = consumer.join({
      ...more,
      topic,
      group,
      onBatch: (batch) => {
        batches.unsafeOffer(batch)
        return answer(batch)
      }
    })
    const membership = yield* Effect.retry(joining, again)
    const takeEvent = membership.events.take
    /** The next assignment; what is lost before it is passed over. */
    const assigned: Effect.Effect<ReadonlyArray<number>> = Effect.flatMap(Effect.orDie(takeEvent), (event) =>
      GroupEvent.$is("Assigned")(event) ? Effect.succeed(event.partitions) : assigned)
    const readFrom = (partition: number, offset: bigint) =>
      Effect.zipRight(membership.seek(partition, offset), membership.resume(partition))
    /** Batches until the position of the partition is `offset` at least. */
    const takeUntil = (offset: bigint) =>
      Effect.gen(function*() {
        const taken: Array<FetchedBatch> = []
        while ((taken.at(-1)?.nextOffset ?? -1n) < offset) {
          taken.push(yield* batches.take)
        }
        return taken
      })
    return { membership, takeEvent, assigned, readFrom, batches, takeUntil }
  })

/** Some times, if need be: a commit that has no answer within five seconds may count or not, and does no harm twice. */
export const commitWith = (
  { commit }: Membership,
  offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>
) => Effect.retry(commit(offsets), { times: 5, while: ({ kind }) => kind === "unavailable" })

/** By the member's membership as it is in the end: one that was lost meanwhile is never confirmed again. */
export const confirmedAtLast = ({ confirmed }: Membership): Effect.Effect<void> =>
  Effect.timeoutOption(confirmed, "5 seconds").pipe(Effect.repeat({ until: Option.isSome }), Effect.asVoid)

/** The values that have come from `offset` on, each once: a member that has joined again may have been given some twice. */
export const valuesFrom = (offset: bigint, batches: ReadonlyArray<FetchedBatch>): ReadonlyArray<string> => [
  ...new Set(batches.flatMap(({ records }) => records).filter((record) => record.offset >= offset).map(textOf))
]

/** Everything of partition 0 from `offset` to `end`, by a group of its own; also whether the batches form a chain. */
export const readAll = (topic: string, end: bigint, offset = 0n) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* member(topic, uniqueName("group"))
    yield* reader.assigned
    yield* reader.readFrom(0, offset)
    const batches = yield* reader.takeUntil(end)
    const breaks = batches.filter((batch, index) => batch.fetchedOffset !== (batches[index - 1]?.nextOffset ?? offset))
    return { batches, breaks, records: batches.flatMap(({ records }) => records), next: batches.at(-1)?.nextOffset }
  }))

export const pending = <A>(mailbox: Mailbox.ReadonlyMailbox<A>) =>
  Effect.map(mailbox.clear, (items) => Chunk.toReadonlyArray(items))

/** For members that join again as often as they have to: who was lost with a broker holds up the others no longer. */
export const shortSession = { sessionTimeoutMs: 6000 }

/** One of Kafka's own tools. */
export const javaTool = (main: string, args: ReadonlyArray<string>, input = "") =>
  Effect.async<string>((resume) => {
    const classPath = join(cacheRoot(), "kafka-4.1.0", "libs", "*")
    const java = spawn("java", ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classPath, main, ...args])
    let output = ""
    java.stdout.on("data", (data: Buffer) => (output += data.toString()))
    java.stderr.on("data", (data: Buffer) => (output += data.toString()))
    // Not at its exit: what it has said may come later.
    java.on(
      "close",
      (code) => resume(code === 0 ? Effect.succeed(output) : Effect.die(new Error(`${main}: ${output}`)))
    )
    java.stdin.end(input)
    return Effect.sync(() => java.kill("SIGKILL"))
  })
