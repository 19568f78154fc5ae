import { assert } from "@effect/vitest"
import { Array, Effect, Predicate } from "effect"
import { randomUUID } from "node:crypto"
import { keyColumnNames, type TablePlan } from "../../src/domain/sql/TablePlan.js"
import {
  type AcquireRequest,
  type Claim,
  Destination,
  type SourceIdentity,
  type WriteOutcome,
  type WriteRequest
} from "../../src/layers/Destination.js"
import type { DeadLetter } from "../../src/domain/DeadLetter.js"
import { defaultTopicSettings } from "../../src/domain/TopicSettings.js"

export const tags = (outcomes: ReadonlyArray<WriteOutcome>): ReadonlyArray<string> =>
  outcomes.map(({ _tag }) => _tag).toSorted()
export const refusalOf = <A>(effect: Effect.Effect<A, unknown, Destination>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.propertyVal(error, "_tag", "DestinationRefused")
    return error
  })

/** Eight in a row may wait longer for a row's lock than the second that each has, on a machine that is busy. */
export const patiently = <A>(acquiring: Effect.Effect<A, unknown, Destination>) =>
  Effect.retry(acquiring, { times: 20, while: Predicate.isTagged("DestinationUnavailable") })

/** A topic with its table and source, of which no other test knows. */
interface Fixture {
  readonly plan: TablePlan
  readonly identity: SourceIdentity
  readonly sourceId: number
  readonly acquire: (over?: Partial<AcquireRequest>) => Effect.Effect<Claim, unknown, Destination>
  /** One row per offset from `expected` to `next`. */
  readonly batch: (claim: Claim, expected: bigint, next: bigint) => WriteRequest
  readonly letter: (claim: Claim, offset: bigint) => DeadLetter
  readonly stored: Effect.Effect<bigint | undefined, unknown, Destination>
  /** Those that have a stored offset; asked of one, or of all. */
  readonly storedPartitions: (of?: number) => Effect.Effect<ReadonlyArray<number>, unknown, Destination>
  readonly offsets: Effect.Effect<ReadonlyArray<bigint>, unknown, Destination>
}

export const planOf = (topic: string): TablePlan => ({
  topic,
  schemaId: 1,
  table: topic,
  columns: [
    { from: "value", path: ["id"], name: "id", type: { kind: "long" }, nullable: false },
    { from: "value", path: ["note"], name: "note", type: { kind: "string" }, nullable: true }
  ],
  key: [],
  metadata: [],
  notes: []
})

export const identityOf = (topic: string): SourceIdentity => ({
  clusterId: "cluster",
  topic,
  topicId: "",
  group: `group-${topic}`,
  pipeline: "pipeline"
})

export const newTopic = (): string => `t-${randomUUID().slice(0, 13)}`

export const fixture: Effect.Effect<Fixture, unknown, Destination> = Effect.gen(function*() {
  const destination = yield* Destination
  const plan = planOf(newTopic())
  const identity = identityOf(plan.topic)
  const sourceId = yield* destination.source(identity)
  yield* destination.ensureTable(plan, defaultTopicSettings.evolution)
  const { group, topic } = identity
  const quote = (yield* destination.dialect).identifier
  const columns = ["id", ...keyColumnNames].map(quote).join(", ")
  return {
    plan,
    identity,
    sourceId,
    acquire: (over = {}) =>
      Effect.flatMap(
        Destination,
        (each) => each.acquire({ topic, partition: 0, group, sourceId, owner: randomUUID(), initial: 0n, ...over })
      ),
    batch: (claim, expected, next) => {
      const offsets = Array.makeBy(Number(next - expected), (index) => expected + BigInt(index))
      const rows = offsets.map((offset) => `(${offset}, ${sourceId}, ${claim.partition}, ${offset})`)
      const statements = rows.length === 0
        ? []
        : [`INSERT INTO ${quote(plan.table)} (${columns}) VALUES ${rows.join(",")}`]
      return { claim, expected, next, statements, letters: [] }
    },
    letter: ({ partition }, offset) => ({
      topic,
      partition,
      group,
      sourceId,
      record: {
        offset,
        timestampMs: -1,
        key: null,
        value: Buffer.from([0, 0xff]),
        headers: [["trace \u0000", null], ["it's", Buffer.from([0])]]
      },
      schemaId: undefined,
      error: { class: "undecodable", code: 0, message: "it's \u0000 \\ wrong", column: undefined }
    }),
    stored: Effect.map(
      destination.stored(topic, group),
      (rows) => rows.find(({ partition }) => partition === 0)?.offset
    ),
    storedPartitions: (of) =>
      Effect.map(destination.stored(topic, group, of), (rows) => rows.map(({ partition }) => partition)),
    offsets: destination.rowOffsets({ table: plan.table, sourceId, partition: 0, from: 0n, to: 10_000n, limit: 10_000 })
  }
})
