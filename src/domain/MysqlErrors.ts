/**
 * How an error of the database is dealt with (protocol section 11).
 * `unlisted`: a code of which nothing is known here; it is isolated by bisection and never makes a dead letter.
 */
export type MysqlErrorClass =
  | "retriable"
  | "reconnect"
  | "wait-then-poison"
  | "poison"
  | "already-there"
  | "setup"
  | "unlisted"

/**
 * What was being done: `connect` up to the first answer; `control` outside of data transactions; `offset` the
 * compare-and-set that opens a data transaction; `rows` its statements; `dead-letters` those that store letters;
 * `commit` from the moment COMMIT is sent.
 */
export type MysqlPhase = "connect" | "control" | "offset" | "rows" | "dead-letters" | "commit"

/** What the code alone does not tell. */
export interface MysqlErrorDetail {
  /** 1062: whether the index is Tributary's own key (`_source`, `_partition`, `_offset`). */
  readonly ownKey?: boolean
  /** 1048, 1364: whether the statement gave a value, NULL included, for the column. */
  readonly fieldPresent?: boolean
}

/**
 * Heals by itself: locks, deadlocks, kills of the query, limits that others use up, a full disk. MariaDB's own: 1020, a
 * row has changed since the snapshot; 1969, max_statement_time.
 */
const retriable = new Set([1213, 1205, 1412, 1317, 3024, 1206, 3101, 1615, 1040, 1203, 1226, 1114, 1021, 1020, 1969])

/**
 * The connection is gone, or leads to a server that does not take writes (any more): the host is resolved again,
 * because the primary may have moved. 2002 to 2005 are the client's own codes for a server that cannot be reached.
 */
const reconnect = new Set([2002, 2003, 2005, 2006, 2013, 4031, 1927, 1290, 1836, 1792, 3032, 1053])
/** Connections that it does not take, or no room on its disk. */
const noRoom = new Set([1040, 1203, 1226, 1021])

/** Whether the whole server is out, for all that ask it: no lock of one row or table. */
export const isServerWide = (code: number): boolean => reconnect.has(code) || noRoom.has(code)

/** Values that this table does not take, whoever writes them. */
const poison = new Set([1406, 1264, 1366, 1292, 1265, 1367, 1690, 3140, 3151, 3157, 3819, 4025, 1451, 1644])

/** Set-up errors about who may do what: they end the program with another exit code than a wrong configuration. */
export const accountCodes: ReadonlySet<number> = new Set(
  [1044, 1045, 1142, 1143, 1227, 1370, 1698, 1130, 1129, 1820, 1862, 3118, 4151, 1251, 2059]
)

/** A person has to change an account, a server setting, the configuration or a table. */
const setup = new Set([...accountCodes, 1049, 1665, 1153, 1054, 1146])

/** The class of a code in the phase in which it came, exactly as in protocol section 11. */
export const classify = (code: number, phase: MysqlPhase, detail: MysqlErrorDetail = {}): MysqlErrorClass => {
  if (retriable.has(code)) return "retriable"
  if (reconnect.has(code)) return "reconnect"
  // A letter that cannot be stored says that the table of letters is wrong, never that the letter is.
  if (setup.has(code) || phase === "dead-letters") return "setup"
  // Only rows can be poison. A value that the offsets' own table refuses is a bug, not the record's fault.
  if (phase !== "rows") return "unlisted"
  if (poison.has(code)) return "poison"
  switch (code) {
    case 1452:
      return "wait-then-poison"
    case 1062:
      // Without knowing the index, stopping is right: a repeat that passed as poison would hide a broken protocol.
      return detail.ownKey === false ? "poison" : "already-there"
    case 1048:
    case 1364:
      return detail.fieldPresent === false ? "setup" : "poison"
    default:
      return "unlisted"
  }
}

/** Numbers for the errors that Node and mysql2 know by name only: those of MySQL's own client library. */
const clientCodes: Readonly<Record<string, number>> = {
  ECONNREFUSED: 2003,
  EHOSTDOWN: 2003,
  EHOSTUNREACH: 2003,
  ENETDOWN: 2003,
  ENETUNREACH: 2003,
  ETIMEDOUT: 2003,
  ENOTFOUND: 2005,
  EAI_AGAIN: 2005,
  ECONNABORTED: 2013,
  ECONNRESET: 2013,
  EPIPE: 2013,
  ERR_STREAM_DESTROYED: 2013,
  PROTOCOL_CONNECTION_LOST: 2013,
  AUTH_SWITCH_PLUGIN_ERROR: 2059
}

/** CR_SERVER_LOST: any end of a connection without a better name, a passed deadline included. */
export const connectionLost = 2013

/** The number of an error that did not come from the server; what has no name is a lost connection. */
export const clientCode = (name: string | undefined): number =>
  name === undefined ? connectionLost : clientCodes[name] ?? connectionLost

/** Values that the server quotes, by code: a message may go to a log, a row's content must not. */
const quoting: Readonly<Record<number, RegExp>> = {
  1062: /(?<=Duplicate entry )'.*'(?= for key )/su,
  1064: /(?<= near )'.*'(?= at line )/su,
  1292: /(?<= value: )'.*'/su,
  1366: /(?<= value: )'.*'(?= for column )/su,
  1367: /(?<=Illegal \S+ )'.*'(?= value found)/su,
  1411: /(?<= value: )'.*'(?= for function )/su,
  1525: /(?<= value: )'.*'/su,
  1690: /(?<= out of range in )'.*'/su
}

/** The server's message without the values that it quotes. */
export const withoutValues = (code: number, message: string): string => {
  const pattern = quoting[code]
  if (pattern === undefined) return message
  const rest = code === 1292 ? message.replace(/(?<= value: )'.*'(?= for column )/su, "'…'") : message
  return rest === message ? message.replace(pattern, "'…'") : rest
}

/**
 * The column of a message such as "Column 'x' cannot be null", "Data too long for column 'x' at row 3"; MariaDB also
 * names it in full, in back-ticks.
 * @param message without the values that the server quotes: they may look like a column's name
 */
export const columnOf = (message: string): string | undefined => {
  const [, quoted, ticked] = /(?:[Cc]olumn|Field) (?:'((?:[^']|'')+)'|(?:`[^`]+`\.)*`([^`]+)`)/u.exec(message) ?? []
  return quoted ?? ticked
}

/** The index of a 1062, as the server names it: `table.index` in MySQL, the index alone in MariaDB. */
export const indexOf = (message: string): string | undefined => / for key '(.*)'$/su.exec(message)?.[1]
