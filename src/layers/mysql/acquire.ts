import * as Effect from "effect/Effect"
import { type AcquireRequest, type Claim, type DestinationError, DestinationRefused } from "../Destination.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { killDeadOwner, type OffsetRow, offsetRow, selectForUpdate } from "./offsetRow.js"
import { rollback, runFresh, text } from "./session.js"
import { describeDifference } from "./sources.js"

/**
 * One upsert, not INSERT IGNORE and UPDATE: the latter deadlocks nearly every second time under contention, this never
 * did (protocol section 3). An adopted row has no source yet and gets ours.
 */
const upsert = ({ group, initial, owner, partition, sourceId, topic }: AcquireRequest): string =>
  "INSERT INTO kafka_offsets (topic, `partition`, consumer_group, `offset`, generation, owner, conn, source_id)"
  + ` VALUES (${text(topic)}, ${partition}, ${text(group)}, ${initial}, 1, ${
    text(owner)
  }, CONNECTION_ID(), ${sourceId})`
  + ` ON DUPLICATE KEY UPDATE generation = generation + 1, owner = ${text(owner)}, conn = CONNECTION_ID(),`
  + ` source_id = IF(source_id = 0, ${sourceId}, source_id)`

type Taken = { readonly _tag: "Taken"; readonly row: OffsetRow } | { readonly _tag: "OtherSource"; readonly id: number }

/** One partition per transaction: several in one deadlock with other instances' orders. */
const take = (lane: Lane, request: AcquireRequest): Effect.Effect<Taken, MysqlFailure> =>
  Effect.gen(function*() {
    const results = yield* runFresh(lane, ["START TRANSACTION", upsert(request), selectForUpdate(request)], {
      lockWaitS: 1
    })
    const row = yield* offsetRow(results[2])
    if (row === undefined) return yield* Effect.dieMessage("the row that was just written is not there")
    if (row.sourceId !== request.sourceId) {
      yield* rollback(lane)
      return { _tag: "OtherSource" as const, id: row.sourceId }
    }
    // Counts only once it is confirmed: without an answer the caller starts over as another owner.
    yield* lane.run("COMMIT")
    return { _tag: "Taken" as const, row }
  }).pipe(Effect.tapError(() => rollback(lane)))

const lockWaitTimeout = 1205

export const acquire =
  (config: MysqlConfig, lanes: LanePool) => (request: AcquireRequest): Effect.Effect<Claim, DestinationError> => {
    const { group, owner, partition, sourceId, topic } = request
    return lanes.use((lane) =>
      Effect.gen(function*() {
        const taken = yield* take(lane, request).pipe(
          Effect.catchIf((failure) => failure.code === lockWaitTimeout, (failure) =>
            Effect.flatMap(
              killDeadOwner(lane, request, config),
              (killed) => killed ? take(lane, request) : failure
            ))
        )
        if (taken._tag === "Taken") {
          const { generation, stored } = taken.row
          return { topic, partition, group, generation, owner, sourceId, offset: stored }
        }
        return yield* new DestinationRefused({
          what: `kafka_offsets says that ${topic}-${partition} of group ${group} was read from another source: `
            + (yield* describeDifference(lane, taken.id, sourceId)),
          cure: "read it under another consumer.group; or, if what was read before no longer counts, delete the row",
          kind: "held"
        })
      })
    ).pipe(
      Effect.catchTag(
        "MysqlFailure",
        (failure) => Effect.fail(destinationError(config, `acquiring ${topic}-${partition}`)(failure))
      )
    )
  }
