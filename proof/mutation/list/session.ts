import { type Mutation, real, unit } from "../Mutation.js"

const session = "src/layers/mysql/session.ts"
const outcomes = "integration/mysql/outcomes"

/** Section 2: the connection is in a known state. */
export const settling: ReadonlyArray<Mutation> = [
  {
    id: "strict",
    mechanism: "sql_mode is strict",
    promise: "what does not fit is refused, not cut off",
    section: 2,
    edits: [{ file: session, find: "sql_mode='TRADITIONAL'", replace: "sql_mode=''" }],
    simulated: "not in it",
    tests: [
      unit("layers/mysql/session", "puts the connection in a known state"),
      real(outcomes, "on MySQL is told errors of rows keep their class and column, and show no value")
    ]
  },
  {
    id: "notes",
    mechanism: "notes count as warnings, whatever the server is set to",
    promise: "no value is stored that differs from the record's",
    section: 2,
    edits: [{ file: session, find: ", sql_notes=1", replace: "" }],
    simulated: "not in it",
    tests: [unit("layers/mysql/session", "puts the connection in a known state")]
  },
  {
    id: "time-zone",
    mechanism: "the session's time zone is UTC",
    promise: "a time is stored as the record has it",
    section: 2,
    edits: [{ file: session, find: ", time_zone='+00:00'", replace: "" }],
    simulated: "not in it",
    tests: [unit("layers/mysql/session", "puts the connection in a known state")]
  },
  {
    id: "autocommit",
    mechanism: "autocommit is on, whatever the server is set to",
    promise: "what is written outside of a transaction is written",
    section: 2,
    edits: [{ file: session, find: "SET SESSION autocommit=1, sql_mode", replace: "SET SESSION sql_mode" }],
    simulated: "not in it",
    tests: [unit("layers/mysql/session", "puts the connection in a known state")]
  },
  {
    id: "character-sets",
    mechanism: "the session's character sets are utf8mb4, whatever the server makes of the handshake",
    promise: "no value is stored that differs from the record's",
    section: 2,
    edits: [{
      file: session,
      find: "  + \", character_set_client=utf8mb4, character_set_connection=utf8mb4, character_set_results=utf8mb4\"\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [unit("layers/mysql/session", "puts the connection in a known state")]
  },
  {
    id: "lock-waits",
    mechanism: "waits for locks are bounded by the session",
    promise: "a lock that somebody holds delays a partition by seconds, never by a year",
    section: 2,
    edits: [{
      file: session,
      find: ", lock_wait_timeout=${metadataLockWaitS}, innodb_lock_wait_timeout=${lockWaitS}, wait",
      replace: ", wait"
    }],
    simulated: "not in it",
    tests: [
      unit("layers/mysql/session", "bounds every wait"),
      real("integration/mysql/ownership", "on MySQL an owner that is at work is waited for, not killed")
    ]
  },
  {
    id: "wait-timeout",
    mechanism: "the server ends a connection that says nothing for 60 s",
    promise: "a lock that a dead owner holds is gone within a minute, whatever else fails",
    section: 8,
    edits: [{ file: session, find: "=${lockWaitS}, wait_timeout=60", replace: "=${lockWaitS}" }],
    simulated: "made good",
    because: "the owner to come kills the connection after one lock wait",
    together: { ids: ["kill"] },
    tests: [unit("layers/mysql/session", "bounds every wait")]
  },
  {
    id: "isolation",
    mechanism: "READ COMMITTED",
    promise: "transactions of one batch do not lock gaps that others write into",
    section: 2,
    edits: [{ file: session, find: "LEVEL ${isolation}", replace: "LEVEL REPEATABLE READ" }],
    simulated: "costs time",
    because:
      "the compare-and-set and the look-ups lock their row and read what is committed at any isolation (section 2); with gaps locked, writers wait for each other",
    tests: [unit("layers/mysql/session", "puts the connection in a known state")]
  }
]
