import * as Effect from "effect/Effect"
import { type DestinationError, type Resolution, resolutionOf, type WriteRequest } from "../Destination.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { killDeadOwner, type OffsetRow, offsetRow, selectForUpdate } from "./offsetRow.js"
import { rollback, runFresh } from "./session.js"

/** What the row says once the transaction in question has ended: the lock waits for that (protocol section 6). */
const look = (lane: Lane, request: WriteRequest): Effect.Effect<OffsetRow | undefined, MysqlFailure> =>
  runFresh(lane, ["START TRANSACTION", selectForUpdate(request.claim)], { lockWaitS: 1 }).pipe(
    Effect.flatMap(([, result]) => offsetRow(result)),
    Effect.ensuring(rollback(lane))
  )

const lockWaitTimeout = 1205

/**
 * @param lanes opens a connection for every use: one from before the trouble may lead to a server that is no longer the
 * primary
 */
export const resolve =
  (config: MysqlConfig, lanes: LanePool) => (request: WriteRequest): Effect.Effect<Resolution, DestinationError> =>
    lanes.use((lane) =>
      look(lane, request).pipe(
        // The lost connection may live on at the server, where nobody told it that we are gone. COMMIT has not reached it,
        // or the row would be free; killed, it never will.
        Effect.catchIf((failure) => failure.code === lockWaitTimeout, (failure) =>
          Effect.flatMap(
            killDeadOwner(lane, request.claim, config),
            (killed) => killed ? look(lane, request) : failure
          ))
      )
    ).pipe(
      Effect.map((row) => resolutionOf(request, row && { ...row, offset: row.stored })),
      Effect.mapError(destinationError(config, `looking up ${request.claim.topic}-${request.claim.partition}`))
    )
