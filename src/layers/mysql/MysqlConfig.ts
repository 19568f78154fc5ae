import type * as Redacted from "effect/Redacted"
import type { MysqlAddress } from "../../domain/MysqlCures.js"
import type { Dialect } from "../../domain/sql/Dialect.js"

export interface MysqlOptions extends MysqlAddress {
  readonly password: Redacted.Redacted
  /** Connections for data transactions. Those that acquire, resolve and alter come on top: at most 4. */
  readonly maxPoolSize: number
  readonly connectTimeoutMs: number
  /**
   * Every statement's deadline, COMMIT included. Below the session's lock wait of 5 s a wait for a lock would end as a
   * lost connection; too high keeps a partition waiting on a connection that leads nowhere.
   */
  readonly statementTimeoutMs: number
  /** How long creating or altering a table may wait for the table's users and for other instances. */
  readonly ddlLockTimeoutMs: number
  /** Whether `ensureTable` may create what is missing; default true. */
  readonly autoCreate?: boolean
}

export interface MysqlConfig extends MysqlOptions {
  /** Of the server that answers. */
  readonly dialect: Dialect
}
