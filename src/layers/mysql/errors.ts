import { cureOf, type MysqlAddress } from "../../domain/MysqlCures.js"
import { accountCodes, classify, columnOf, type MysqlErrorDetail, type MysqlPhase } from "../../domain/MysqlErrors.js"
import { type DestinationError, DestinationRefused, DestinationUnavailable, WriteError } from "../Destination.js"
import type { MysqlFailure } from "./MysqlFailure.js"

/** Nobody has prepared this database yet. */
export const noSuchTable = 1146

/** One line: what was tried, where, and what came back. */
const describe = (address: MysqlAddress, doing: string, failure: MysqlFailure): string =>
  `${doing} failed on MySQL ${address.host}:${address.port}/${address.database}: ${failure.text} (${failure.code})`

/** For everything but a data transaction. A code that nobody has classified does not heal by being tried for ever. */
export const destinationError = (address: MysqlAddress, doing: string) => (failure: MysqlFailure): DestinationError => {
  const errorClass = classify(failure.code, "control")
  const what = describe(address, doing, failure)
  return errorClass === "retriable" || errorClass === "reconnect"
    ? new DestinationUnavailable({ what, code: failure.code })
    : new DestinationRefused({
      what,
      cure: cureOf(failure.code, failure.message, address),
      kind: accountCodes.has(failure.code) ? "credentials" : "configuration",
      code: failure.code
    })
}

/** Adds another way out to a set-up error about privileges; leaves every other failure as it is. */
export const orByHand = (
  address: MysqlAddress,
  failure: MysqlFailure,
  alternative: string
): MysqlFailure | DestinationRefused =>
  accountCodes.has(failure.code)
    ? new DestinationRefused({
      what: describe(address, "creating or altering a table", failure),
      cure: `${cureOf(failure.code, failure.message, address)} ${alternative}`,
      kind: "credentials",
      code: failure.code
    })
    : failure

/** Any error of a letter's statement is about the table of letters, whatever it is elsewhere. */
const cureIn = (phase: MysqlPhase): typeof cureOf => (code, message, address) =>
  phase !== "dead-letters" || accountCodes.has(code) || code === packetTooLarge
    ? cureOf(code, message, address)
    : "compare table dead_letters with docs/mapping.md; or rename it: the next start makes it afresh"
const packetTooLarge = 1153

const doingIn: Readonly<Record<MysqlPhase, string>> = {
  connect: "writing rows",
  control: "writing rows",
  offset: "moving the stored offset",
  rows: "writing rows",
  "dead-letters": "writing dead letters",
  commit: "COMMIT"
}

export const writeError = (
  address: MysqlAddress,
  phase: MysqlPhase,
  failure: MysqlFailure,
  detail?: MysqlErrorDetail
): WriteError => {
  const errorClass = classify(failure.code, phase, detail)
  const column = columnOf(failure.text)
  return new WriteError({
    class: errorClass,
    code: failure.code,
    what: describe(address, doingIn[phase], failure),
    reason: failure.text,
    ...(column === undefined ? {} : { column }),
    ...(errorClass === "setup" ? { cure: cureIn(phase)(failure.code, failure.message, address) } : {})
  })
}
