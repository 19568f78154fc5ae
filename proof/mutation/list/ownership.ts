import { type Mutation, real, unit } from "../Mutation.js"

const acquire = "src/layers/mysql/acquire.ts"
const offsetRow = "src/layers/mysql/offsetRow.ts"
const ownership = "integration/mysql/ownership"
const contract = "integration/mysql/contract"
const outcomes = "integration/mysql/outcomes"

/** Sections 3 and 8, and the part of section 2 that is about deadlines. */
export const owning: ReadonlyArray<Mutation> = [
  {
    id: "acquire-generation",
    mechanism: "each acquisition raises the generation",
    promise: "of all that have ever owned a partition only the last may write",
    section: 3,
    edits: [{ file: acquire, find: "generation = generation + 1, owner", replace: "owner" }],
    simulated: "finds",
    tests: [
      real(
        contract,
        "MySQL keeps the contract of Destination of eight acquisitions at once each has its own generation"
      )
    ]
  },
  {
    id: "acquire-claims",
    mechanism: "an acquisition takes the row from the owner before",
    promise: "of all that have ever owned a partition only the last may write",
    section: 3,
    edits: [
      { file: acquire, find: "generation = generation + 1, owner = ${text(owner)},", replace: "owner = owner," },
      {
        file: acquire,
        find: "const { generation, stored } = taken.row",
        replace: "const { generation, owner, stored } = taken.row"
      },
      {
        file: acquire,
        find: "const { group, owner, partition, sourceId, topic } = request",
        replace: "const { group, partition, sourceId, topic } = request"
      }
    ],
    simulated: "finds",
    tests: [
      real(
        contract,
        "MySQL keeps the contract of Destination of eight acquisitions at once each has its own generation"
      )
    ]
  },
  {
    id: "acquire-upsert",
    mechanism: "one upsert takes the row, not INSERT IGNORE and UPDATE",
    promise: "instances that acquire at once do not deadlock",
    section: 3,
    edits: [
      { file: acquire, find: "\"INSERT INTO kafka_offsets", replace: "\"INSERT IGNORE INTO kafka_offsets" },
      {
        file: acquire,
        find: "CONNECTION_ID(), ${sourceId})`\n  + ` ON DUPLICATE KEY UPDATE generation",
        replace: "CONNECTION_ID(), ${sourceId});\\n`\n  + `UPDATE kafka_offsets SET generation"
      },
      {
        file: acquire,
        find: "IF(source_id = 0, ${sourceId}, source_id)`",
        replace:
          "IF(source_id = 0, ${sourceId}, source_id) WHERE topic = ${text(topic)} AND \\`partition\\` = ${partition} AND consumer_group = ${text(group)}`"
      },
      {
        file: acquire,
        find: "[\"START TRANSACTION\", upsert(request), selectForUpdate(request)]",
        replace: "[\"START TRANSACTION\", ...upsert(request).split(\";\\n\"), selectForUpdate(request)]"
      },
      { file: acquire, find: "offsetRow(results[2])", replace: "offsetRow(results[3])" }
    ],
    simulated: "not in it",
    tests: [real("integration/mysql/contention", "on MySQL eight processes, twenty acquisitions each: no deadlock")]
  },
  {
    id: "other-source",
    mechanism: "a row of another source is not acquired",
    promise: "offsets of another topic's life are never continued",
    section: 3,
    edits: [{ file: acquire, find: "row.sourceId !== request.sourceId", replace: "row.sourceId < 0" }],
    simulated: "made good",
    because: "the source is looked up before, and refused there",
    together: { ids: ["topic-life"] },
    tests: [real(contract, "MySQL keeps the contract of Destination a partition read from another source is refused")]
  },
  {
    id: "kill",
    mechanism: "KILL of the connection that a dead owner has left",
    promise: "a dead owner's lock holds its partition up for a second, not a minute",
    section: 8,
    edits: [{
      file: offsetRow,
      find: "if (row === undefined) return false",
      replace: "if (row?.conn !== \"\") return false"
    }],
    simulated: "made good",
    because: "the server ends the connection after a wait_timeout of 60 s, and with it the lock",
    together: { ids: ["wait-timeout"] },
    tests: [
      real(ownership, "on MySQL a dead owner's connection is killed after one lock wait, and nothing of it remains")
    ]
  },
  {
    id: "kill-idle",
    mechanism: "only an idle connection is killed",
    promise: "an owner that is at work is not disturbed by others' acquisitions",
    section: 8,
    edits: [{ file: offsetRow, find: " AND COMMAND = 'Sleep'", replace: "" }],
    simulated: "costs time",
    because: "a transaction that is killed is rolled back and written again",
    tests: [real(ownership, "on MySQL an owner that is at work is waited for, not killed")]
  },
  {
    id: "kill-own",
    mechanism: "only a connection of the same account is killed",
    promise: "connections of others are left alone, whatever number they have",
    section: 8,
    edits: [{ file: offsetRow, find: "` AND USER = ${text(username)} AND", replace: "` AND" }],
    simulated: "not in it",
    tests: [real(ownership, "on MySQL another account's connection is never killed")]
  },
  {
    id: "conn-dirty",
    mechanism: "the connection to kill is read without a lock, before it is committed",
    promise: "a dead owner's lock holds its partition up for a second, not a minute",
    section: 8,
    edits: [{ file: offsetRow, find: "LEVEL READ UNCOMMITTED", replace: "LEVEL READ COMMITTED" }],
    simulated: "made good",
    because: "the server ends the connection after a wait_timeout of 60 s, and with it the lock",
    together: { ids: ["wait-timeout"] },
    tests: [
      real(ownership, "on MySQL a dead owner's connection is killed after one lock wait, and nothing of it remains")
    ]
  },
  {
    id: "deadline",
    mechanism: "every statement has a deadline, which destroys the socket",
    promise: "a connection that leads nowhere holds nobody up for longer than that",
    section: 2,
    edits: [{
      file: "src/layers/mysql/LanePool.ts",
      find: "(lane) => lane.cutIfLate(nowMs)",
      replace: "(lane) => Effect.asVoid(Effect.succeed(lane))"
    }],
    simulated: "finds",
    tests: [real(outcomes, "rows swallowed without a word are rolled back at the deadline: COMMIT was not sent", true)]
  },
  {
    id: "cut-on-interrupt",
    mechanism: "a lane whose use ended in another way than by success or a typed failure is cut",
    promise: "no statement that nobody waits for runs on the next user's connection",
    section: 2,
    edits: [{
      file: "src/layers/mysql/LanePool.ts",
      find: "const expected = Exit.isSuccess(exit) || exit.cause._tag === \"Fail\"",
      replace: "const expected = Exit.isSuccess(exit) || exit.cause._tag !== \"Empty\""
    }],
    simulated: "not in it",
    tests: [unit("layers/mysql/LanePool", "cuts a lane whose body was interrupted or died")]
  },
  {
    id: "idle-lanes",
    mechanism: "idle connections are closed before the server closes them",
    promise: "a quiet hour is not followed by a failing transaction",
    section: 2,
    edits: [{
      file: "src/layers/mysql/LanePool.ts",
      find: "closeOlderThan(nowMs - idleMaxMs)",
      replace: "closeOlderThan(nowMs - idleMaxMs * 1000)"
    }],
    simulated: "not in it",
    tests: [unit("layers/mysql/LanePool", "closes what was idle for 30 seconds")]
  }
]
