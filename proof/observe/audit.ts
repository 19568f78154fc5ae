import type { Connection } from "mysql2/promise"
import { mysql } from "../../src/domain/sql/mysql.js"
import { createOwnTable, deadLetters, kafkaOffsets, ownTable } from "../../src/layers/mysql/ownTables.js"
import { tableWithSequence } from "../../test/e2e/support/records.js"

// Triggers write down each change of the program's own tables, in the transaction that makes it: what is committed is in
// the audit, what is rolled back is not, and a server that is killed has both or neither.
//
// The order of AUTO_INCREMENT is that of insertion, not of commits. Here the two are one for a partition: the trigger
// runs while its transaction holds the row of kafka_offsets, and holds it until COMMIT, so that the next one for that
// partition is numbered after. Across partitions the numbers say nothing.
//
// `@proof_move` ties effects to moves. A move leaves its number in the session, and each row and letter takes what it
// finds there. Written with its offset (protocol, section 5: the move comes first), a row names a move that is committed
// and covers it; a row that was written without names an earlier move of that session, one that was rolled back, or none.

const text = (length: number) => `VARCHAR(${length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL`

const auditTables = [
  `CREATE TABLE proof_moves (
     seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     topic ${text(249)}, \`partition\` INT NOT NULL, consumer_group ${text(255)},
     \`from\` BIGINT NULL, \`to\` BIGINT NOT NULL, generation BIGINT NOT NULL, owner ${text(255)},
     writer ${text(255)}, is_reset TINYINT NOT NULL,
     at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) ENGINE=InnoDB`,
  `CREATE TABLE proof_letters (
     id BIGINT NOT NULL PRIMARY KEY, move BIGINT UNSIGNED NULL) ENGINE=InnoDB`
]

/**
 * Generation and owner are the row's, which whoever passes the compare-and-set leaves as they are. The process is told by
 * USER(): the address that it comes from, where each has one of its own (`comeFrom` of the proxies), which no claim can hide.
 */
const noteMove = (from: string) =>
  `BEGIN
     INSERT INTO proof_moves (topic, \`partition\`, consumer_group, \`from\`, \`to\`, generation, owner, writer, is_reset)
     VALUES (NEW.topic, NEW.\`partition\`, NEW.consumer_group, ${from}, NEW.\`offset\`, NEW.generation, NEW.owner, USER(),
       COALESCE(@proof_reset, 0));
     SET @proof_move = LAST_INSERT_ID();
   END`

const triggers = [
  `CREATE TRIGGER proof_offsets_made AFTER INSERT ON kafka_offsets FOR EACH ROW ${noteMove("NULL")}`,
  `CREATE TRIGGER proof_offsets_moved AFTER UPDATE ON kafka_offsets FOR EACH ROW ${noteMove("OLD.`offset`")}`,
  `CREATE TRIGGER proof_letters_made AFTER INSERT ON dead_letters FOR EACH ROW
     INSERT INTO proof_letters (id, move) VALUES (NEW.id, @proof_move)`
]

/** No index that could refuse a repeated row: only the protocol keeps a zombie out. */
const targetTable = (topic: string) =>
  tableWithSequence(topic).replace(
    "PRIMARY KEY (_source, _partition, _offset)",
    "move BIGINT UNSIGNED NULL, KEY (_source, _partition, _offset)"
  )

const targetTrigger = (topic: string) =>
  `CREATE TRIGGER \`proof_${topic}\` BEFORE INSERT ON \`${topic}\` FOR EACH ROW SET NEW.move = @proof_move`

interface Audited {
  /** An administrator's, in the database. Nothing of the program has run in it yet. */
  readonly sql: Connection
  readonly topics: ReadonlyArray<string>
}

/**
 * Makes the program's own tables, a table for each topic's records (`test/e2e/support/records.ts`), and the triggers.
 * A person who moves an offset says so in the session before: `SET @proof_reset = 1`.
 */
export const installAudit = async ({ sql, topics }: Audited): Promise<void> => {
  const own = [kafkaOffsets, deadLetters].map((table) => createOwnTable(ownTable(mysql, table)))
  const targets = topics.flatMap((topic) => [targetTable(topic), targetTrigger(topic)])
  for (const statement of [...own, ...auditTables, ...triggers, ...targets]) await sql.query(statement)
}
