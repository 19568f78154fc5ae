import type { MysqlAddress } from "../../domain/MysqlCures.js"
import { type DestinationError, DestinationRefused, DestinationUnavailable } from "../Destination.js"

export type Variables = ReadonlyMap<string, string>

/** INVISIBLE columns came with 8.0.23. */
const oldest = [8, 0, 23]

const isOldEnough = (version: string): boolean => {
  const parts = /^(\d+)\.(\d+)\.(\d+)/u.exec(version)?.slice(1).map(Number) ?? []
  const differing = oldest.findIndex((part, index) => parts[index] !== part)
  return parts.length === oldest.length && (differing === -1 || (parts[differing] ?? 0) > (oldest[differing] ?? 0))
}

/** Servers that speak MySQL's protocol and are something else. */
const others = ["MariaDB", "TiDB", "Vitess", "SingleStore", "OceanBase"]

const refused = (what: string, cure: string): DestinationRefused =>
  new DestinationRefused({ what, cure, kind: "configuration" })

/** Why this server will not do, by its variables in lower case; undefined: it will. */
export const checkServer = (config: MysqlAddress, variables: Variables): DestinationError | undefined => {
  const version = variables.get("version") ?? "unknown"
  const where = `the server at ${config.host}:${config.port}`
  const other = others.find((name) =>
    `${version} ${variables.get("version_comment") ?? ""}`.toLowerCase().includes(name.toLowerCase())
  )
  if (other !== undefined) {
    return refused(`${where} is ${other} (${version})`, `${other} is not supported yet: use MySQL 8.0.23 or newer`)
  }
  if (!isOldEnough(version)) {
    return refused(`${where} is version ${version}`, "use MySQL 8.0.23 or newer")
  }
  const readOnly = ["super_read_only", "innodb_read_only"].find((name) => variables.get(name) === "ON")
  if (readOnly !== undefined) {
    return new DestinationUnavailable({
      what: `${where} does not take writes (${readOnly}=ON): it is a replica, or a fail-over is under way`,
      code: 1290
    })
  }
  const format = variables.get("binlog_format") ?? "ROW"
  if (variables.get("log_bin") === "ON" && format !== "ROW") {
    return refused(
      `${where} has binlog_format=${format}, under which transactions at READ COMMITTED are refused (1665) or unsafe to replicate`,
      "as an administrator: SET PERSIST binlog_format='ROW';"
    )
  }
  return undefined
}
