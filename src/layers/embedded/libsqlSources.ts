import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decideSource } from "../../domain/SourceDecision.js"
import { DestinationRefused, type SourceIdentity } from "../Destination.js"
import type { Session } from "./libsqlConnection.js"
import { rowsOf } from "./libsqlRows.js"

const decodeRows = rowsOf(Schema.Struct({
  id: Schema.BigIntFromSelf,
  clusterId: Schema.String,
  topicId: Schema.String,
  pipeline: Schema.String,
  inUse: Schema.BigIntFromSelf
}))
const decodeIds = rowsOf(Schema.Struct({ id: Schema.BigIntFromSelf }))

/** Inside a transaction: nobody else adds a source between the look and the row. */
export const source = Effect.fnUntraced(function*(session: Session, identity: SourceIdentity) {
  const { clusterId, group, pipeline, topic, topicId } = identity
  const rows = yield* session.rows(
    "SELECT s.id AS id, s.cluster_id AS clusterId, s.topic_id AS topicId, s.pipeline AS pipeline,"
      + " EXISTS (SELECT 1 FROM kafka_claims c WHERE c.topic = s.topic AND c.consumer_group = s.consumer_group"
      + " AND c.source_id = s.id) AS inUse"
      + " FROM kafka_sources s WHERE s.topic = ? AND s.consumer_group = ? ORDER BY s.id DESC",
    [topic, group]
  ).pipe(Effect.flatMap(decodeRows))
  const known = rows.map((row) => ({ ...row, id: Number(row.id), inUse: row.inUse === 1n }))
  const decision = decideSource(known, identity)
  switch (decision._tag) {
    case "Refuse":
      return yield* new DestinationRefused({
        what: `topic ${topic}, group ${group}: ${decision.why}`,
        cure: decision.cure,
        kind: "held"
      })
    case "Use":
      if (decision.fillTopicId) {
        // An older row that nobody uses may have this id already; ours then goes on without one.
        yield* session.change("UPDATE OR IGNORE kafka_sources SET topic_id = ? WHERE id = ?", [
          topicId,
          BigInt(decision.id)
        ])
      }
      return decision.id
    case "Create": {
      const [row] = yield* session.rows(
        "INSERT INTO kafka_sources (cluster_id, topic, topic_id, consumer_group, pipeline) VALUES (?, ?, ?, ?, ?)"
          + " RETURNING id",
        [clusterId, topic, topicId, group, pipeline]
      ).pipe(Effect.flatMap(decodeIds))
      return row === undefined ? yield* Effect.dieMessage("INSERT ... RETURNING gave no row") : Number(row.id)
    }
  }
})
