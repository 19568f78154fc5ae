import * as Either from "effect/Either"
import type { MysqlAddress } from "../../domain/MysqlCures.js"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { mariadb } from "../../domain/sql/mariadb.js"
import { mysql } from "../../domain/sql/mysql.js"
import { type DestinationError, DestinationRefused, DestinationUnavailable } from "../Destination.js"

export type Variables = ReadonlyMap<string, string>

/** INVISIBLE columns came with MySQL 8.0.23. MariaDB has had them for longer; 10.6 is the oldest that is maintained. */
const oldest = { mysql: [8, 0, 23], mariadb: [10, 6, 0] }

const isOldEnough = (version: string, wanted: ReadonlyArray<number>): boolean => {
  const parts = /^(\d+)\.(\d+)\.(\d+)/u.exec(version)?.slice(1).map(Number) ?? []
  const differing = wanted.findIndex((part, index) => parts[index] !== part)
  return parts.length === wanted.length && (differing === -1 || (parts[differing] ?? 0) > (wanted[differing] ?? 0))
}

/** Servers that speak MySQL's protocol and are neither of the two. */
const others = ["TiDB", "Vitess", "SingleStore", "OceanBase"]
const supported = "use MySQL 8.0.23 or newer, or MariaDB 10.6 or newer"

const refused = (what: string, cure: string): DestinationRefused =>
  new DestinationRefused({ what, cure, kind: "configuration" })

const at = ({ host, port }: MysqlAddress): string => `the server at ${host}:${port}`

/** Which server answers, by its variables in lower case; or why it will not do. */
export const dialectOf = (config: MysqlAddress, variables: Variables): Either.Either<Dialect, DestinationRefused> => {
  const version = variables.get("version") ?? "unknown"
  const name = `${version} ${variables.get("version_comment") ?? ""}`.toLowerCase()
  const other = others.find((one) => name.includes(one.toLowerCase()))
  if (other !== undefined) {
    return Either.left(refused(`${at(config)} is ${other} (${version})`, `${other} is not supported: ${supported}`))
  }
  const isMariadb = name.includes("mariadb")
  return isOldEnough(version, isMariadb ? oldest.mariadb : oldest.mysql)
    ? Either.right(isMariadb ? mariadb : mysql)
    : Either.left(refused(`${at(config)} is version ${version}`, supported))
}

/** Variables that are not OFF where a server takes no writes. MySQL's `read_only` binds only those without privileges. */
const readOnlyNames = {
  mysql: ["super_read_only", "innodb_read_only"],
  mariadb: ["read_only", "innodb_read_only"],
  sqlite: []
}

/** Why this server cannot be written to; undefined: it can. */
const checkWrites = (config: MysqlAddress, variables: Variables, dialect: Dialect): DestinationError | undefined => {
  const readOnly = readOnlyNames[dialect.name].find((name) => (variables.get(name) ?? "OFF") !== "OFF")
  if (readOnly !== undefined) {
    const value = variables.get(readOnly)
    return new DestinationUnavailable({
      what: `${at(config)} does not take writes (${readOnly}=${value}): it is a replica, or a fail-over is under way`,
      code: 1290
    })
  }
  // MariaDB's default, MIXED, logs by row what STATEMENT may not log at READ COMMITTED; MySQL's MIXED is deprecated.
  const format = variables.get("binlog_format") ?? "ROW"
  const isSafe = format === "ROW" || (dialect.name === "mariadb" && format === "MIXED")
  if (variables.get("log_bin") === "ON" && !isSafe) {
    return refused(
      `${
        at(config)
      } has binlog_format=${format}, under which transactions at READ COMMITTED are refused (1665) or unsafe to replicate`,
      dialect.name === "mariadb"
        ? "as an administrator: SET GLOBAL binlog_format='ROW'; and the same in the server's option file"
        : "as an administrator: SET PERSIST binlog_format='ROW';"
    )
  }
  return undefined
}

/** What Tributary may do with this server: its dialect, or why it will not do. */
export const checkServer = (config: MysqlAddress, variables: Variables): Either.Either<Dialect, DestinationError> =>
  Either.flatMap(dialectOf(config, variables), (dialect) => {
    const reason = checkWrites(config, variables, dialect)
    return reason === undefined ? Either.right(dialect) : Either.left(reason)
  })
