import type { Effect } from "effect"

/** A connection, to whichever server. Answers rows as text, `rows N` for a change, or `error CODE`; "lost" when it is gone. */
export interface Client {
  readonly run: (text: string) => Effect.Effect<string>
  readonly id: number
}

export interface Step {
  readonly client: "a" | "b" | "c"
  readonly text: string | ((ids: Readonly<Record<"a" | "b" | "c", number>>) => string)
  /** Undefined: it waits; its answer is that of a later step `finally`. */
  readonly answers?: string
}

/** What several sessions say in turn, and what the server answers. */
export interface Interleaving {
  readonly name: string
  readonly steps: ReadonlyArray<Step | { readonly client: "a" | "b" | "c"; readonly finally: string }>
}

const key = (partition: number) => `topic = 'orders' AND \`partition\` = ${partition} AND consumer_group = 'g'`
const settings = "SET SESSION innodb_lock_wait_timeout=10, wait_timeout=60"
const level = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
const move = (from: number, to: number, partition = 0) =>
  `UPDATE kafka_offsets SET \`offset\` = ${to}, conn = CONNECTION_ID() WHERE ${key(partition)} AND \`offset\` = ${from}`
const columns =
  "CAST(`offset` AS CHAR) AS `stored`, CAST(generation AS CHAR) AS generation, owner, source_id AS sourceId"
const read = (partition = 0) => `SELECT ${columns} FROM kafka_offsets WHERE ${key(partition)}`
const locking = (partition = 0) => `${read(partition)} FOR UPDATE`
const claim = (partition: number, owner: string) =>
  "INSERT INTO kafka_offsets (topic, `partition`, consumer_group, `offset`, generation, owner, conn, source_id)"
  + ` VALUES ('orders', ${partition}, 'g', 5, 1, '${owner}', CONNECTION_ID(), 1)`
  + ` ON DUPLICATE KEY UPDATE generation = generation + 1, owner = '${owner}', conn = CONNECTION_ID(),`
  + " source_id = IF(source_id = 0, 1, source_id)"
const insert = (...offsets: ReadonlyArray<number>) =>
  `INSERT INTO \`orders\` (\`id\`, \`_source\`, \`_partition\`, \`_offset\`) VALUES ${
    offsets.map((offset) => `(${offset},1,0,${offset})`).join(",")
  }`
const upsert = (...ids: ReadonlyArray<number>) =>
  `INSERT INTO \`upserted\` (\`id\`, \`_source\`, \`_partition\`, \`_offset\`) VALUES ${
    ids.map((id) => `(${id},1,0,${id})`).join(",")
  } AS \`new\` ON DUPLICATE KEY UPDATE \`_source\` = \`new\`.\`_source\`, \`_partition\` = \`new\`.\`_partition\`,`
  + " `_offset` = `new`.`_offset`"
const owner = "SELECT CAST(ID AS CHAR) AS conn FROM performance_schema.processlist"
  + ` WHERE ID = (SELECT conn FROM kafka_offsets WHERE ${key(0)})`
  + " AND USER = 'root' AND COMMAND = 'Sleep' AND ID <> CONNECTION_ID()"

/** Every case begins with partition 0 of `orders` at offset 0, generation 1, owner `o`; a table of rows, empty. */
export const interleavings: ReadonlyArray<Interleaving> = [
  {
    name: "a compare-and-set waits for the row's holder, and looks again at what that has committed",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: "START TRANSACTION", answers: "rows 0" },
      { client: "b", text: move(0, 2) },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", finally: "rows 0" }
    ]
  },
  {
    name: "it matches when the holder rolls back, and counts what it found, not what it changed",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: move(0, 0) },
      { client: "a", text: "ROLLBACK", answers: "rows 0" },
      { client: "b", finally: "rows 1" },
      { client: "b", text: move(0, 0), answers: "rows 1" }
    ]
  },
  {
    name: "a row that WHERE did not match is locked no longer",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(7, 8), answers: "rows 0" },
      { client: "b", text: move(0, 1), answers: "rows 1" }
    ]
  },
  {
    name: "after 1205 the transaction is open: what it did before is committed",
    steps: [
      { client: "c", text: claim(1, "o"), answers: "rows 1" },
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: "START TRANSACTION", answers: "rows 0" },
      { client: "b", text: move(5, 6, 1), answers: "rows 1" },
      { client: "b", text: move(0, 2), answers: "error 1205" },
      { client: "b", text: "COMMIT", answers: "rows 0" },
      { client: "c", text: read(1), answers: "6,1,o,1" },
      { client: "c", text: read(0), answers: "0,1,o,1" }
    ]
  },
  {
    name: "START TRANSACTION commits what is open",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "b", text: read(), answers: "1,1,o,1" }
    ]
  },
  {
    name: "of a deadlock one transaction is rolled back, as a whole, and the other goes on",
    steps: [
      { client: "c", text: claim(1, "o"), answers: "rows 1" },
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: insert(1, 2, 3), answers: "rows 3" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: "START TRANSACTION", answers: "rows 0" },
      { client: "b", text: move(5, 6, 1), answers: "rows 1" },
      { client: "a", text: move(5, 7, 1) },
      { client: "b", text: move(0, 2), answers: "error 1213" },
      { client: "a", finally: "rows 1" },
      { client: "b", text: "COMMIT", answers: "rows 0" },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "c", text: read(1), answers: "7,1,o,1" }
    ]
  },
  {
    name: "upserts of the same keys in another order deadlock",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "b", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: insert(1, 2, 3), answers: "rows 3" },
      { client: "a", text: upsert(1), answers: "rows 1" },
      { client: "b", text: upsert(2), answers: "rows 1" },
      { client: "a", text: upsert(2) },
      { client: "b", text: upsert(1), answers: "error 1213" },
      { client: "a", finally: "rows 1" }
    ]
  },
  {
    name: "KILL rolls back at once, and its client finds the connection gone",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: locking() },
      { client: "c", text: ({ a }) => `KILL ${a}`, answers: "rows 0" },
      { client: "b", finally: "0,1,o,1" },
      { client: "a", text: "COMMIT", answers: "lost" },
      { client: "c", text: "KILL 4000000000", answers: "error 1094" },
      { client: "c", text: read(), answers: "0,1,o,1" }
    ]
  },
  {
    name: "one that waits for a lock is killed, too",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: move(0, 2) },
      { client: "c", text: ({ b }) => `KILL ${b}`, answers: "rows 0" },
      { client: "b", finally: "lost" },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "c", text: read(), answers: "1,1,o,1" }
    ]
  },
  {
    name: "who wrote last is seen by a dirty read alone, and found while it is idle",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: owner, answers: "id of another" },
      { client: "b", text: "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", answers: "rows 0" },
      { client: "b", text: owner, answers: "id of a" },
      { client: "b", text: owner, answers: "id of another" },
      { client: "b", text: read(), answers: "0,1,o,1" }
    ]
  },
  {
    name: "two that claim a new partition: the second waits, and raises the generation of the first",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: claim(2, "x"), answers: "rows 1" },
      { client: "b", text: claim(2, "y") },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", finally: "rows 2" },
      { client: "c", text: read(2), answers: "5,2,y,1" }
    ]
  },
  {
    name: "where the first of them rolls back, the second makes the row",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: claim(2, "x"), answers: "rows 1" },
      { client: "b", text: claim(2, "y") },
      { client: "a", text: "ROLLBACK", answers: "rows 0" },
      { client: "b", finally: "rows 1" },
      { client: "c", text: read(2), answers: "5,1,y,1" }
    ]
  },
  {
    name: "rows of a statement that fails are taken back, those of the transaction stay",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: insert(1, 2), answers: "rows 2" },
      { client: "a", text: insert(3, 2), answers: "error 1062" },
      { client: "a", text: insert(3), answers: "rows 1" },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", text: insert(4, 3), answers: "error 1062" },
      { client: "b", text: insert(4), answers: "rows 1" }
    ]
  },
  {
    name: "the row of an open transaction makes another wait, and is a duplicate once it is committed",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: insert(1), answers: "rows 1" },
      { client: "b", text: insert(1) },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", finally: "error 1062" }
    ]
  },
  {
    name: "a text that fails in the middle has done what comes before",
    steps: [
      { client: "a", text: `START TRANSACTION; ${move(0, 1)}; ${insert(1, 1)}; COMMIT`, answers: "error 1062" },
      { client: "b", text: read(), answers: "0,1,o,1" },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", text: read(), answers: "1,1,o,1" }
    ]
  },
  {
    name: "SELECT … FOR UPDATE waits for the transaction in question, a plain one does not",
    steps: [
      { client: "a", text: "START TRANSACTION", answers: "rows 0" },
      { client: "a", text: move(0, 1), answers: "rows 1" },
      { client: "b", text: read(), answers: "0,1,o,1" },
      { client: "b", text: locking() },
      { client: "a", text: "COMMIT", answers: "rows 0" },
      { client: "b", finally: "1,1,o,1" }
    ]
  }
]

export const beginnings: ReadonlyArray<string> = [settings, level]
export const firstRow = claim(0, "o").replace("'g', 5", "'g', 0")
