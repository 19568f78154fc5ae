import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** A host name, an IPv4 address or an IPv6 address in brackets, and a port: `broker-1:9092`, `[::1]:9092`. */
export const isHostAndPort = (text: string): boolean => {
  const port = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)?.[1]
  return port !== undefined && isPort(Number(port))
}

/** `file:PATH`, `file:/PATH` or `file:///PATH`: something of the embedded mode. */
export const isFileUrl = (text: string): boolean => /^file:(?!\/\/[^/])[^\s]/.test(text)

/** What Kafka allows (Topic.validate in its source). */
export const isTopicName = (text: string): boolean => /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/.test(text)

/**
 * An http or https URL, with or without a path. Not with a user and password: this URL stands in log lines and errors,
 * and a secret must not ride along.
 */
export const isRegistryUrl = (text: string): boolean => {
  const url = asUrl(text)
  return url !== undefined && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "" &&
    // Nor an @ anywhere else: in http://me:/secret@host the host is "me", and the secret a path.
    !text.includes("@") && url.search === "" && url.hash === ""
}

/** Where the rows go, as `mysql.url` says it. */
export const DatabaseAddress = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("libsql"), file: Schema.String }),
  Schema.Struct({
    kind: Schema.Literal("mysql"),
    host: Schema.String,
    port: Schema.Number,
    database: Schema.String,
    username: Schema.UndefinedOr(Schema.String),
    password: Schema.UndefinedOr(Schema.Redacted(Schema.String)),
    /** A parameter that demands an encrypted connection, if there is one. */
    tlsDemandedBy: Schema.UndefinedOr(Schema.String)
  })
)
export type DatabaseAddress = typeof DatabaseAddress.Type
type DatabaseAddressText = typeof DatabaseAddress.Encoded

/**
 * Reads `jdbc:mysql://host:port/db?params`, `mysql://user:password@host:port/db` (percent-encoded) and
 * `libsql:file:PATH`. Of the JDBC driver's parameters only user, password and those that demand encryption mean
 * something here; the rest tune that driver and are passed over, so that a URL that works there works here.
 */
export const parseDatabaseUrl = (text: string): DatabaseAddressText | undefined => {
  const file = /^libsql:file:(?!\/\/[^/])(.+)$/.exec(text)?.[1]
  if (file !== undefined) return { kind: "libsql", file: file.replace(/^\/\/\//, "/") }
  if (!/^(?:jdbc:)?mysql:\/\//.test(text)) return undefined
  const url = asUrl(text.replace(/^jdbc:/, ""))
  if (url === undefined || url.hash !== "" || swallowsSecret(text, url)) return undefined
  const database = decoded(url.pathname.slice(1))
  const username = decoded(url.username) || url.searchParams.get("user")
  const password = decoded(url.password) || url.searchParams.get("password")
  const port = url.port === "" ? 3306 : Number(url.port)
  if (database === undefined || !isDatabaseName(database) || !isHostAndPort(`${url.hostname}:${port}`)) return undefined
  if (username === undefined || password === undefined) return undefined
  return {
    kind: "mysql",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    database,
    username: username === null || username === "" ? undefined : username,
    password: password === null || password === "" ? undefined : password,
    tlsDemandedBy: tlsDemandedBy(url.searchParams)
  }
}

/**
 * A password that is not percent-encoded can make a URL of another meaning: in `mysql://me:/secret?@host/db` the host is
 * "me" and the database "secret", which would then be shown.
 */
const swallowsSecret = (text: string, url: URL): boolean =>
  /:\/\/[^/?#]*:[/?#]/.test(text) || Array.from(url.searchParams.keys()).some((name) => /[@/:]/.test(name))

/** Host, port and database, without user and password: fit for logs, errors and `config show`. */
export const displayDatabaseUrl = (text: string): string => {
  const address = parseDatabaseUrl(text)
  // What cannot be read may hold a password anywhere; the scheme is what is wrong most often.
  if (address === undefined) return /^[a-z]+(?::[a-z]+)?:\/\//.exec(text)?.[0].concat("…") ?? "<redacted>"
  return writeDatabaseUrl(address)
}

export const writeDatabaseUrl = (address: DatabaseAddressText): string =>
  address.kind === "libsql"
    ? `libsql:file:${address.file}`
    : `mysql://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}/${address.database}`

const tlsDemandedBy = (params: URLSearchParams): string | undefined => {
  for (const [name, value] of params) {
    const plain = name.toLowerCase().replaceAll(/[-_]/g, "")
    if (plain === "sslmode" && /^(?:required|verify)/i.test(value)) return `${name}=${value}`
    if ((plain === "usessl" || plain === "requiressl" || plain === "verifyservercertificate") && value === "true") {
      return `${name}=${value}`
    }
  }
  return undefined
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535

/** MySQL's limit is 64 characters; slashes and dots need quoting everywhere and are refused by older servers. */
const isDatabaseName = (text: string): boolean => /^[^\s/\\.\0]{1,64}$/.test(text)

const decoded = (text: string): string | undefined => Either.getOrUndefined(Either.try(() => decodeURIComponent(text)))

const asUrl = (text: string): URL | undefined => /\s/.test(text) || !URL.canParse(text) ? undefined : new URL(text)
