/** Where Tributary connects to, for texts that a person can act on. Never holds a password. */
export interface MysqlAddress {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
}

const identifier = (name: string): string => `\`${name.replaceAll("`", "``")}\``
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** All that Tributary does in a database. DELETE is for tombstones and rewinding. */
const privileges = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER"

/** The account as the server names it in its message; without one, the user from any host. */
const account = (message: string, address: MysqlAddress): string => {
  const [, user = address.username, host = "%"] = /(?:to|for) user '([^']*)'@'([^']*)'/u.exec(message) ?? []
  return `${quoted(user)}@${quoted(host)}`
}

const grant = (message: string, address: MysqlAddress): string =>
  `as an administrator: GRANT ${privileges} ON ${identifier(address.database)}.* TO ${account(message, address)};`

const credentials = (message: string, address: MysqlAddress): string =>
  `check mysql.username and mysql.password; as an administrator: ALTER USER ${
    account(message, address)
  } IDENTIFIED BY '<the password>'; ` +
  "(or CREATE USER, where there is none)"

const plugin =
  "the account's authentication plugin is not supported: use caching_sha2_password (MariaDB: mysql_native_password)"

const cures: Readonly<Record<number, (message: string, address: MysqlAddress) => string>> = {
  1044: grant,
  1142: grant,
  1143: grant,
  1227: (message, address) => `grant the privilege that the message names to ${account(message, address)}`,
  1370: grant,
  1045: credentials,
  1698: credentials,
  1251: () => plugin,
  2059: () => plugin,
  1129: () =>
    "the server has blocked this host after many failed connections: as an administrator: TRUNCATE TABLE performance_schema.host_cache;",
  1130: (_, address) =>
    `as an administrator: CREATE USER ${
      quoted(address.username)
    }@'<this host>' IDENTIFIED BY '<the password>'; and grant ${privileges} on ${identifier(address.database)}.*`,
  1820: (message, address) =>
    `the password has expired: ALTER USER ${account(message, address)} PASSWORD EXPIRE NEVER;`,
  1862: (message, address) =>
    `the password has expired: ALTER USER ${account(message, address)} PASSWORD EXPIRE NEVER;`,
  3118: (message, address) => `as an administrator: ALTER USER ${account(message, address)} ACCOUNT UNLOCK;`,
  4151: (message, address) => `as an administrator: ALTER USER ${account(message, address)} ACCOUNT UNLOCK;`,
  1049: (_, address) =>
    `check the database's name in mysql.url, or create it: CREATE DATABASE ${
      identifier(address.database)
    } CHARACTER SET utf8mb4;`,
  1665: () =>
    "set binlog_format=ROW on the server (SET PERSIST binlog_format='ROW'; MariaDB: SET GLOBAL) and restart Tributary",
  1153: () =>
    "a statement is larger than the server takes: raise max_allowed_packet (SET PERSIST max_allowed_packet=67108864; MariaDB: SET GLOBAL) or lower batch.max.bytes",
  1048: () => "the column is NOT NULL and the schema has no value for it: make it NULL-able, or give it a default",
  1364: () =>
    "the column is NOT NULL without a default and the schema lacks it: make it NULL-able, or give it a default",
  1071: () => "the key is longer than 3,072 bytes: give its strings a length in the schema, or key by fewer fields",
  1117: () => "the table has more columns than InnoDB takes: leave fields out with fields.exclude",
  1118: () => "a row is wider than MySQL takes: leave fields out with fields.exclude, or give strings no length",
  1054: () => "the table has changed: start Tributary again, which compares it with the schema",
  1146: () => "the table has been dropped: start Tributary again, which creates or checks it"
}

/** The setting or statement that cures a set-up error. `message` is the server's. */
export const cureOf = (code: number, message: string, address: MysqlAddress): string =>
  cures[code]?.(message, address) ?? `look up error ${code} of MySQL or MariaDB; Tributary does not know it`
