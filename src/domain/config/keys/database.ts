import { DatabaseAddress, displayDatabaseUrl, parseDatabaseUrl, writeDatabaseUrl } from "../addresses.js"
import { boolean, integer, key, parsed, secretText, text } from "../KeySpec.js"

const hour = 3_600_000

/** Where rows and offsets go. */
export const databaseKeys = {
  mysqlUrl: key(
    "mysql.url",
    {
      ...parsed(
        DatabaseAddress,
        parseDatabaseUrl,
        writeDatabaseUrl,
        "jdbc:mysql://host:port/database, mysql://user:password@host:port/database (percent-encoded) " +
          "or libsql:file:PATH (embedded)"
      ),
      secret: true,
      display: displayDatabaseUrl
    },
    { aliases: ["connection.url"], doc: "The database that takes rows and offsets. Port 3306 where none is given." }
  ),
  mysqlUsername: key("mysql.username", text(/^[^\0]{1,255}$/, "a user name"), {
    aliases: ["mysql.user", "connection.user"],
    doc: "Account of the database, unless the URL names it."
  }),
  mysqlPassword: key("mysql.password", secretText, {
    aliases: ["connection.password"],
    doc: "Password of the account. Better given as TRIBUTARY_MYSQL_PASSWORD_FILE than in a file that others can read."
  }),
  mysqlMaxPoolSize: key("mysql.maxPoolSize", integer(1, 1_000), {
    fallback: "16",
    doc: "Most connections for data; two more serve control. Each active partition uses one at a time, so more than " +
      "partitions + 2 are never opened. Lower: partitions wait for each other."
  }),
  mysqlConnectTimeoutMs: key("mysql.connect.timeout.ms", integer(100, hour), {
    fallback: "10000",
    doc: "Longest wait for a connection. Lower: a busy server looks dead. Higher: a dead one is noticed later."
  }),
  mysqlStatementTimeoutMs: key("mysql.statement.timeout.ms", integer(1_000, hour), {
    fallback: "30000",
    doc: "Deadline of every statement; passing it destroys the connection. Lower: slow disks look dead. Higher: a " +
      "silent network stalls the partition longer."
  }),
  autoCreate: key("auto.create", boolean, {
    fallback: "true",
    doc: "Create missing tables from the records' schema."
  }),
  ddlLockTimeoutMs: key("ddl.lock.timeout.ms", integer(1_000, hour), {
    fallback: "30000",
    doc:
      "How long creating or altering a table is tried while others hold it. A waiting ALTER holds up every writer of " +
      "the table, so each single try waits 2 s at most."
  })
} as const
