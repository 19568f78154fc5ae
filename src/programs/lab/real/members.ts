import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { Admin } from "../../../layers/Admin.js"
import type { CommandError } from "../../exitCodes.js"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { commandError } from "../../serviceErrors.js"
import type { LabEvent } from "../experiment.js"
import { type LabProcess, type RealServices, type RealWorld, start } from "./RealWorld.js"

type Started = Effect.Effect<LabProcess, CommandError, CommandExecutor | Scope.Scope>

/** A reader of the experiment's topic, in its group. */
export interface Reader extends LabProcess {
  /** Where it began to read, by partition, each time that it was given partitions; the last ones last. */
  readonly assigned: ReadonlyArray<ReadonlyMap<number, bigint>>
  /** How often it has given its partitions back. */
  readonly revoked: () => number
}

/** What brokers take by default as the shortest session: a killed member is given up after it. */
export const sessionTimeoutMs = 6000

const quickSession = [
  "--property",
  `session.timeout.ms=${sessionTimeoutMs}`,
  "--property",
  `heartbeat.interval.ms=${sessionTimeoutMs / 6}`
]

/** `tributary read`: each record that it prints is an effect. */
export const startReader = (
  world: RealWorld,
  name: string,
  commit: CommitStrategy,
  ...options: ReadonlyArray<string>
): Effect.Effect<Reader, CommandError, CommandExecutor | Scope.Scope> =>
  Effect.gen(function*() {
    const assigned: Array<ReadonlyMap<number, bigint>> = []
    let revoked = 0
    const process = yield* start(world, {
      name,
      args: ["read", world.topic, "--group", world.group, "--commit", commit, "--format", "json", ...quickSession]
        .concat(options),
      onLine: (line, atMs) => {
        const { offset, partition, value } = recordOf(line)
        world.processed.push({ id: Number(value), partition, offset, atMs, by: name })
      },
      onSaid: (line, atMs) => {
        const kind = kinds.find(({ words }) => line.startsWith(words))?.kind
        if (kind === undefined) return
        world.events.push({ atMs, lane: name, kind, text: line })
        if (kind === "revoked") revoked++
        if (kind === "assigned") assigned.push(placesIn(line))
      }
    })
    return { ...process, assigned, revoked: () => revoked }
  })

const kinds: ReadonlyArray<{ readonly words: string; readonly kind: LabEvent["kind"] }> = [
  { words: "Assigned partitions.", kind: "assigned" },
  { words: "Revoked partitions.", kind: "revoked" },
  { words: "Lost partitions.", kind: "lost" },
  { words: "commit failed", kind: "commit failed" }
]

/** `Assigned partitions. test-topic-1-0@5, test-topic-1-1@7 (took 3 ms)` */
const placesIn = (line: string): ReadonlyMap<number, bigint> =>
  new Map(Array.from(
    line.matchAll(/-(\d+)@(\d+)/g),
    ([, partition = "", offset = ""]) => [Number(partition), BigInt(offset)] as const
  ))

interface PrintedRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly value: string
}

const decodePrinted = Schema.decodeUnknownEither(Schema.parseJson(Schema.Struct({
  partition: Schema.Int,
  offset: Schema.Int,
  timestamp: Schema.Int,
  value: Schema.String
})))

/** What `read --format json` prints of a record; anything else is a bug, because both ends are this program. */
export const recordOf = (line: string): PrintedRecord => {
  const { offset, partition, timestamp, value } = Either.getOrThrow(decodePrinted(line))
  return { partition, offset: BigInt(offset), timestampMs: timestamp, value }
}

/** The group goes on from where it stands to the end of the log, and stops in order. */
export const readOn = (
  world: RealWorld,
  name: string,
  commit: CommitStrategy,
  ...options: ReadonlyArray<string>
): Effect.Effect<Reader, CommandError, CommandExecutor | Scope.Scope> =>
  Effect.tap(startReader(world, name, commit, ...earliest, "--until-end", ...options), (reader) => reader.done)

export const earliest = ["--property", "auto.offset.reset=earliest"] as const

export const largestPoll = (records: number) => ["--property", `max.poll.records=${records}`]

/** `tributary produce`: the numbers from 1, round robin, one each `interval`. */
export const startCounting = (world: RealWorld, to: number, interval: string): Started =>
  start(world, {
    name: "producer",
    args: ["produce", world.topic, "--from", "1", "--to", String(to), "--interval", interval, "--round-robin"]
      .concat(["--property", "retries=10", "--property", "retry.backoff.ms=1000"])
      .concat(["--property", "request.timeout.ms=300000"])
  })

/** The numbers from 1, all at once, before anybody reads. */
export const preload = (world: RealWorld, to: number) =>
  Effect.gen(function*() {
    const producer = yield* start(world, {
      name: "producer",
      args: ["produce", world.topic, "--from", "1", "--to", String(to), "--round-robin"]
    })
    yield* producer.done // all of them are acknowledged
    world.produced.push(...Array.from({ length: to }, (_, index) => index + 1))
  })

/** Everything that a topic holds, beside any group. */
export const contents = (
  world: RealWorld,
  topic: string,
  isolation: "read_committed" | "read_uncommitted"
): Effect.Effect<ReadonlyArray<PrintedRecord>, CommandError, CommandExecutor> =>
  Effect.gen(function*() {
    const records: Array<PrintedRecord> = []
    const reader = yield* start(world, {
      name: "observer",
      args: ["read", topic, "--until-end", "--format", "json", "--isolation", isolation],
      onLine: (line) => void records.push(recordOf(line))
    })
    yield* reader.done
    return records
  }).pipe(Effect.scoped)

/** What counts as produced is what the log holds: its producer may have been killed before it was told. */
export const lookAtLog = (world: RealWorld): Effect.Effect<void, CommandError, CommandExecutor> =>
  Effect.map(contents(world, world.topic, "read_uncommitted"), (records) => {
    world.produced.splice(0, Infinity, ...records.map(({ value }) => Number(value)).toSorted((a, b) => a - b))
  })

/** The group's committed offsets, by partition. */
export const committed = (
  { group, topic }: RealWorld
): Effect.Effect<ReadonlyMap<number, bigint>, CommandError, RealServices> =>
  Effect.flatMap(Admin, (admin) => admin.committedOffsets(group, topic)).pipe(Effect.mapError(commandError))
