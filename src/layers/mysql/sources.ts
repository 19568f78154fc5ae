import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type DestinationError, DestinationRefused, type SourceIdentity } from "../Destination.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, runFresh, text } from "./session.js"

const SourceRow = Schema.Struct({
  id: Schema.NonNegativeInt,
  clusterId: Schema.String,
  topicId: Schema.String,
  pipeline: Schema.String,
  /** Whether a row of `kafka_offsets` of this topic and group refers to it. */
  inUse: Schema.Number
})
type SourceRow = typeof SourceRow.Type
const decodeRows = rowsOf(SourceRow)

const columns = "s.id, s.cluster_id AS clusterId, s.topic_id AS topicId, s.pipeline"

const select = ({ group, topic }: SourceIdentity): string =>
  `SELECT ${columns}, EXISTS (SELECT 1 FROM kafka_offsets o WHERE o.topic = ${text(topic)}`
  + ` AND o.consumer_group = ${text(group)} AND o.source_id = s.id) AS inUse`
  + ` FROM kafka_sources s WHERE s.topic = ${text(topic)} AND s.consumer_group = ${text(group)} ORDER BY s.id DESC`

const insert = ({ clusterId, group, pipeline, topic, topicId }: SourceIdentity): string =>
  "INSERT INTO kafka_sources (cluster_id, topic, topic_id, consumer_group, pipeline)"
  + ` VALUES (${[clusterId, topic, topicId, group, pipeline].map(text).join(", ")})`

/** In what two sources differ, in words. */
const difference = (
  older: { readonly clusterId: string; readonly topicId: string; readonly pipeline: string },
  newer: { readonly clusterId: string; readonly topicId: string; readonly pipeline: string }
): string => {
  const parts = [
    ...(older.clusterId === newer.clusterId ? [] : [`cluster ${newer.clusterId} instead of ${older.clusterId}`]),
    ...(older.topicId === newer.topicId || older.topicId === "" || newer.topicId === ""
      ? []
      : [`the topic was deleted and created again: its id is ${newer.topicId}, it was ${older.topicId}`]),
    ...(older.pipeline === newer.pipeline ? [] : [`pipeline ${newer.pipeline} instead of ${older.pipeline}`])
  ]
  return parts.length === 0 ? "the two are the same but for their id" : parts.join(", ")
}

/** In what the source of a stored row differs from ours, for the message of a refusal. */
export const describeDifference = (lane: Lane, stored: number, ours: number): Effect.Effect<string, MysqlFailure> =>
  lane.run(`SELECT ${columns}, 0 AS inUse FROM kafka_sources s WHERE s.id IN (${stored}, ${ours})`).pipe(
    Effect.flatMap(decodeRows),
    Effect.map((rows) => {
      const older = rows.find(({ id }) => id === stored)
      const newer = rows.find(({ id }) => id === ours)
      if (older === undefined || newer === undefined) return `source ${stored}, which kafka_sources does not know`
      return difference(older, newer)
    })
  )

/** An id that one side does not know is no difference; it is filled in when it is known. */
const isSame = (row: SourceRow, identity: SourceIdentity): boolean =>
  row.clusterId === identity.clusterId
  && (row.topicId === identity.topicId || row.topicId === "" || identity.topicId === "")

const held = (identity: SourceIdentity, why: string, cure: string): DestinationRefused =>
  new DestinationRefused({ what: `topic ${identity.topic}, group ${identity.group}: ${why}`, cure, kind: "held" })

const otherLife = (row: SourceRow, identity: SourceIdentity): DestinationRefused =>
  held(
    identity,
    `the stored offsets belong to another life of the topic (${
      difference(row, identity)
    }) and mean nothing in this one`,
    "read it under another consumer.group; or, to begin this life from its start, delete the topic's rows of this group from kafka_offsets"
  )

const otherPipeline = (row: SourceRow, identity: SourceIdentity): DestinationRefused =>
  held(
    identity,
    `pipeline ${row.pipeline} reads it already into this database; pipeline ${identity.pipeline} would take half of its records`,
    `give one of the two another consumer.group; or, if the pipeline was renamed, set pipeline in row ${row.id} of kafka_sources`
  )

type Decision =
  | { readonly _tag: "Use"; readonly id: number; readonly fill: boolean }
  | { readonly _tag: "Create" }
  | { readonly _tag: "Refuse"; readonly error: DestinationRefused }

/** The row in use decides before a newer one that nobody refers to. */
const decide = (rows: ReadonlyArray<SourceRow>, identity: SourceIdentity): Decision => {
  const foreign = rows.find((row) => row.inUse === 1 && !isSame(row, identity))
  if (foreign !== undefined) return { _tag: "Refuse", error: otherLife(foreign, identity) }
  const same = rows.filter((row) => isSame(row, identity))
  const match = same.find(({ inUse }) => inUse === 1)
    ?? same.find(({ topicId }) => topicId === identity.topicId)
    ?? same[0]
  if (match === undefined) return { _tag: "Create" }
  if (match.pipeline !== identity.pipeline) return { _tag: "Refuse", error: otherPipeline(match, identity) }
  return { _tag: "Use", id: match.id, fill: match.topicId === "" && identity.topicId !== "" }
}

const duplicate = 1062

/** Looks first: an INSERT that meets a row burns one of 65,535 ids. */
const find = (lane: Lane, identity: SourceIdentity): Effect.Effect<number, MysqlFailure | DestinationRefused> =>
  Effect.gen(function*() {
    const [result] = yield* runFresh(lane, [select(identity)])
    const decision = decide(yield* decodeRows(result), identity)
    if (decision._tag === "Refuse") return yield* decision.error
    if (decision._tag === "Create") {
      // 1062: another instance was faster. Its row is read like any other.
      yield* lane.run(insert(identity)).pipe(
        Effect.catchIf((failure) => failure.code === duplicate, () => Effect.void)
      )
      return yield* find(lane, identity)
    }
    if (decision.fill) {
      // 1062: an older row has this id already, unused. Ours goes on without one.
      yield* lane.run(
        `UPDATE kafka_sources SET topic_id = ${text(identity.topicId)} WHERE id = ${decision.id} AND topic_id = ''`
      ).pipe(Effect.catchIf((failure) => failure.code === duplicate, () => Effect.void))
    }
    return decision.id
  })

export const source =
  (config: MysqlConfig, lanes: LanePool) => (identity: SourceIdentity): Effect.Effect<number, DestinationError> =>
    lanes.use((lane) => find(lane, identity)).pipe(
      Effect.catchTag(
        "MysqlFailure",
        (failure) => Effect.fail(destinationError(config, `registering topic ${identity.topic}`)(failure))
      )
    )
