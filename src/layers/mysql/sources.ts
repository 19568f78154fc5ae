import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decideSource, sourceDifference } from "../../domain/SourceDecision.js"
import { type DestinationError, DestinationRefused, type SourceIdentity } from "../Destination.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
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
const decodeRows = rowsOf(SourceRow)

const columns = "s.id, s.cluster_id AS clusterId, s.topic_id AS topicId, s.pipeline"

const select = ({ group, topic }: SourceIdentity): string =>
  `SELECT ${columns}, EXISTS (SELECT 1 FROM kafka_offsets o WHERE o.topic = ${text(topic)}`
  + ` AND o.consumer_group = ${text(group)} AND o.source_id = s.id) AS inUse`
  + ` FROM kafka_sources s WHERE s.topic = ${text(topic)} AND s.consumer_group = ${text(group)} ORDER BY s.id DESC`

const insert = ({ clusterId, group, pipeline, topic, topicId }: SourceIdentity): string =>
  "INSERT INTO kafka_sources (cluster_id, topic, topic_id, consumer_group, pipeline)"
  + ` VALUES (${[clusterId, topic, topicId, group, pipeline].map(text).join(", ")})`

/** In what the source of a stored row differs from ours, for the message of a refusal. */
export const describeDifference = (lane: Lane, stored: number, ours: number): Effect.Effect<string, MysqlFailure> =>
  lane.run(`SELECT ${columns}, 0 AS inUse FROM kafka_sources s WHERE s.id IN (${stored}, ${ours})`).pipe(
    Effect.flatMap(decodeRows),
    Effect.map((rows) => {
      const older = rows.find(({ id }) => id === stored)
      const newer = rows.find(({ id }) => id === ours)
      if (older === undefined || newer === undefined) return `source ${stored}, which kafka_sources does not know`
      return sourceDifference(older, newer) || "the two are the same but for their id"
    })
  )

const duplicate = 1062

/** Looks first: an INSERT that meets a row burns one of 65,535 ids. */
const find = (lane: Lane, identity: SourceIdentity): Effect.Effect<number, MysqlFailure | DestinationRefused> =>
  Effect.gen(function*() {
    const [result] = yield* runFresh(lane, [select(identity)])
    const known = (yield* decodeRows(result)).map((row) => ({ ...row, inUse: row.inUse === 1 }))
    const decision = decideSource(known, identity)
    if (decision._tag === "Refuse") {
      const what = `topic ${identity.topic}, group ${identity.group}: ${decision.why}`
      return yield* new DestinationRefused({ what, cure: decision.cure, kind: "held" })
    }
    if (decision._tag === "Create") {
      // 1062: another instance was faster. Its row is read like any other.
      yield* lane.run(insert(identity)).pipe(
        Effect.catchIf((failure) => failure.code === duplicate, () => Effect.void)
      )
      return yield* find(lane, identity)
    }
    if (decision.fillTopicId) {
      // 1062: an older row has this id already, unused. Ours goes on without one.
      yield* lane.run(
        `UPDATE kafka_sources SET topic_id = ${text(identity.topicId)} WHERE id = ${decision.id} AND topic_id = ''`
      ).pipe(Effect.catchIf((failure) => failure.code === duplicate, () => Effect.void))
    }
    return decision.id
  })

export const source =
  (config: MysqlOptions, lanes: LanePool) => (identity: SourceIdentity): Effect.Effect<number, DestinationError> =>
    lanes.use((lane) => find(lane, identity)).pipe(
      Effect.catchTag(
        "MysqlFailure",
        (failure) => Effect.fail(destinationError(config, `registering topic ${identity.topic}`)(failure))
      )
    )
