import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { MysqlOptions } from "../../../src/layers/mysql/MysqlConfig.js"
import { type Lane, makeRun } from "../../../src/layers/mysql/Lane.js"
import { fromSqlError, type MysqlFailure } from "../../../src/layers/mysql/MysqlFailure.js"
import type { Fate } from "./faults.js"
import type { Link } from "./Link.js"
import type { Answer } from "./Session.js"
import type { ConnectRefusal, SimMysql } from "./SimMysql.js"

/** What mysql2 makes of a lost connection, and of an error. */
const connectionLost = () =>
  new SqlError({
    message: "Failed to execute statement",
    cause: {
      code: "PROTOCOL_CONNECTION_LOST",
      fatal: true,
      message: "Connection lost: The server closed the connection."
    }
  })

const answered = (answer: Answer | undefined): Effect.Effect<ReadonlyArray<unknown>, SqlError> => {
  if (answer === undefined) return Effect.fail(connectionLost())
  if (answer.refusal !== undefined) {
    return Effect.fail(new SqlError({ message: "Failed to execute statement", cause: answer.refusal }))
  }
  const [only] = answer.results
  if (answer.results.length > 1) return Effect.succeed(answer.results)
  // The client drops the header of a single statement without rows.
  return Effect.succeed(Array.isArray(only) ? only : [])
}

/** The connection as `makeRun` wants it: what production does with its deadline is production's. */
const laneOf = (link: Link, options: Pick<MysqlOptions, "statementTimeoutMs">): Lane => {
  const cut = Effect.sync(() => link.close())
  const executeUnprepared = (text: string): Effect.Effect<ReadonlyArray<unknown>, SqlError> =>
    Effect.async((resume) => link.send(text, (answer) => resume(answered(answer))))
  return { ...makeRun({ executeUnprepared }, options, cut), isOpen: () => link.isOpen, destroy: cut, close: cut }
}

const refusalOf = (refusal: Exclude<ConnectRefusal, "silence">): MysqlFailure =>
  fromSqlError(new SqlError({ message: "Failed to connect", cause: { ...refusal, message: "refused", fatal: true } }))

const timedOut = fromSqlError(
  new SqlError({
    message: "Failed to connect",
    cause: { code: "ETIMEDOUT", message: "connect ETIMEDOUT", fatal: true }
  })
)

const delayOf = (fate: Fate): number => fate.kind === "slow" ? fate.ms : 0

/** Opens connections to the simulated server, for one process. */
export const openLane = (
  server: SimMysql,
  process: string,
  options: Pick<MysqlOptions, "connectTimeoutMs" | "statementTimeoutMs">
): Effect.Effect<Lane, MysqlFailure> =>
  Effect.uninterruptible(Effect.gen(function*() {
    const fate = server.connectFate(process)
    const ms = server.latencyMs() + delayOf(fate)
    if (ms > 0) yield* Effect.sleep(Math.min(ms, options.connectTimeoutMs))
    if (ms >= options.connectTimeoutMs) return yield* Effect.fail(timedOut)
    const connected = server.connect(process, fate)
    if (connected === "silence") {
      yield* Effect.sleep(options.connectTimeoutMs - ms)
      return yield* Effect.fail(timedOut)
    }
    if ("send" in connected) return laneOf(connected, options)
    return yield* Effect.fail(refusalOf(connected))
  }))
