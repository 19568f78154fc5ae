import { type Mutation, real, unit } from "../Mutation.js"

const write = "src/layers/mysql/write.ts"
const session = "src/layers/mysql/session.ts"
const contract = "integration/mysql/contract"
const outcomes = "integration/mysql/outcomes"

/** Section 5: one transaction, the offset first. Section 6: unknown. */
export const writing: ReadonlyArray<Mutation> = [
  {
    id: "compare",
    mechanism: "compare-and-set: the stored offset moves only from where the batch begins",
    promise: "a batch is written once, however often it is tried",
    section: 5,
    edits: [{ file: write, find: "AND \\`offset\\` = ${expected} AND", replace: "AND" }],
    simulated: "seldom",
    because: "a batch has to be tried again by the owner that has written it already: most tries are another's",
    tests: [real(contract, "MySQL keeps the contract of Destination a stale offset, an older generation")]
  },
  {
    id: "offset-first",
    mechanism: "the compare-and-set is the transaction's first statement",
    promise: "an owner that has been replaced has written nothing when it learns of it",
    section: 5,
    edits: [
      {
        file: write,
        find: `    const [, moved] = yield* runFresh(lane, ["START TRANSACTION", move]).pipe(failed("offset", move))
    if ((yield* affectedRows(moved)) !== 1) return yield* Effect.fail<Stop>({ _tag: "Stale" })`,
        replace: `    yield* runFresh(lane, ["START TRANSACTION"]).pipe(failed("offset", move))`
      },
      {
        file: write,
        find: "    yield* checkpoint\n  })\n\nconst interrupted",
        replace: `    yield* checkpoint
    const [moved] = yield* lane.run(move + "; DO 0").pipe(failed("offset", move))
    if ((yield* affectedRows(moved)) !== 1) return yield* Effect.fail<Stop>({ _tag: "Stale" })
  })

const interrupted`
      }
    ],
    simulated: "made good",
    because:
      "a transaction whose compare-and-set fails at its end is rolled back as a whole; what is lost is that the rows of a repetition are not taken for a mistake in the set-up",
    together: { ids: ["one-row"] },
    tests: [real(contract, "MySQL keeps the contract of Destination a stale offset, an older generation")]
  },
  {
    id: "generation",
    mechanism: "the compare-and-set names the generation of the claim",
    promise: "after a take-over the owner before writes nothing",
    section: 5,
    edits: [{ file: write, find: " AND generation = ${claim.generation}", replace: "" }],
    simulated: "made good",
    because: "each acquisition has an owner id of its own, which the same statement names",
    together: {
      ids: ["owner"],
      tests: [unit("proof/simMysqlMechanisms", "an owner that has been replaced writes nothing")]
    },
    tests: [real(contract, "MySQL keeps the contract of Destination a stale offset, an older generation")]
  },
  {
    id: "owner",
    mechanism: "the compare-and-set names the owner",
    promise: "a claim whose COMMIT was not confirmed is never taken for ours",
    section: 5,
    edits: [{ file: write, find: " AND owner = ${text(claim.owner)}", replace: "" }],
    simulated: "made good",
    because: "each acquisition raises the generation, which the same statement names",
    together: {
      ids: ["generation"],
      tests: [unit("proof/simMysqlMechanisms", "an owner that has been replaced writes nothing")]
    },
    tests: [real(contract, "MySQL keeps the contract of Destination a stale offset, an older generation")]
  },
  {
    id: "one-row",
    mechanism: "a compare-and-set that matches no row ends the transaction",
    promise: "rows are written only together with the offset that covers them",
    section: 5,
    edits: [{ file: write, find: "(yield* affectedRows(moved)) !== 1", replace: "(yield* affectedRows(moved)) > 1" }],
    simulated: "finds",
    tests: [real(contract, "MySQL keeps the contract of Destination a stale offset, an older generation")]
  },
  {
    id: "one-transaction",
    mechanism: "offset and rows are one transaction",
    promise: "rows and offset are both there or both not",
    section: 5,
    edits: [{ file: write, find: `["START TRANSACTION", move]`, replace: `["DO 0", move]` }],
    simulated: "finds",
    tests: [real(contract, "MySQL keeps the contract of Destination a statement that fails takes offset and rows back")]
  },
  {
    id: "no-ddl-inside",
    mechanism: "no DDL within a data transaction",
    promise: "a statement that commits by itself never takes the offset along",
    section: 10,
    edits: [{
      file: write,
      find: "    for (const statement of request.statements) {",
      replace: `    const ddl = "CREATE TABLE IF NOT EXISTS inside_a_transaction (id INT)"
    yield* lane.run(ddl).pipe(failed("rows", ddl))
    for (const statement of request.statements) {`
    }],
    simulated: "not in it",
    tests: [real(contract, "MySQL keeps the contract of Destination a statement that fails takes offset and rows back")]
  },
  {
    id: "letters-inside",
    mechanism: "dead letters are written within the transaction",
    promise: "a record is a row or a letter, once, and its offset goes with it",
    section: 11,
    edits: [
      {
        file: write,
        find: "    const move = compareAndSet(request)",
        replace: `    for (const letter of request.letters) {
      yield* runFresh(lane, [letterStatement(letter)]).pipe(failed("dead-letters", ""))
    }
    const move = compareAndSet(request)`
      },
      {
        file: write,
        find: "    for (const letter of request.letters) {\n      yield* checkpoint",
        replace: "    for (const letter of request.letters.slice(0, 0)) {\n      yield* checkpoint"
      }
    ],
    simulated: "finds",
    tests: [
      real(
        contract,
        "MySQL keeps the contract of Destination a letter is as little written as the rest of a transaction"
      )
    ]
  },
  {
    id: "letters-again",
    mechanism: "a letter that is there is brought up to date",
    promise: "a rewind does not block a partition at its letters",
    section: 11,
    edits: [{
      file: "src/layers/mysql/deadLetters.ts",
      find: "letterSql.store(letter, \"ON DUPLICATE KEY UPDATE\")",
      replace: "letterSql.store(letter, \"ON DUPLICATE KEY UPDATE\").split(\" ON DUPLICATE KEY UPDATE \")[0] ?? \"\""
    }],
    simulated: "not in it",
    tests: [real(contract, "MySQL keeps the contract of Destination a letter that is there already, as after a rewind")]
  },
  {
    id: "rollback",
    mechanism: "every error path ends in ROLLBACK: after 1205 the transaction is still open",
    promise: "the offset never moves without its rows, and no row's lock outlives its transaction",
    section: 5,
    edits: [{ file: write, find: "    yield* rollback(lane)\n", replace: "" }],
    simulated: "made good",
    because: "ROLLBACK begins every transaction, too; what is left is a lock that is held for too long",
    together: { ids: ["rollback-first"] },
    tests: [
      real(outcomes, "on MySQL is told after a lock wait that timed out nothing of the transaction is ever committed")
    ]
  },
  {
    id: "rollback-first",
    mechanism: "ROLLBACK leads every transaction: START TRANSACTION commits what is open",
    promise: "the offset never moves without its rows",
    section: 2,
    edits: [
      { file: session, find: "\"ROLLBACK; SET SESSION autocommit=1", replace: "\"DO 0; SET SESSION autocommit=1" }
    ],
    simulated: "made good",
    because: "every error path ends in ROLLBACK, too",
    together: { ids: ["rollback"] },
    tests: [unit("layers/mysql/session", "begins with the end of what may be open")]
  },
  {
    id: "warnings",
    mechanism: "@@warning_count is 0 before COMMIT",
    promise: "no value is stored that differs from the record's",
    section: 2,
    edits: [
      {
        file: write,
        find: "if (count === undefined || count.warnings === 0) return",
        replace: "if (count !== undefined) return"
      }
    ],
    simulated: "finds",
    tests: [real(outcomes, "on MySQL is told a value that MySQL would round with no more than a note is refused")]
  },
  {
    id: "unknown",
    mechanism: "a COMMIT without an answer is unknown, not rolled back",
    promise: "what may be in the database is looked up, never written again on suspicion",
    section: 6,
    edits: [{
      file: write,
      find: "return WriteOutcome.Unknown({ error: writeError(config, \"commit\", failure.value) })",
      replace: "return WriteOutcome.RolledBack({ error: writeError(config, \"commit\", failure.value) })"
    }],
    simulated: "made good",
    because: "written again, the batch meets the compare-and-set and is fenced",
    together: {
      ids: ["compare"],
      tests: [
        unit(
          "proof/simMysqlMechanisms",
          "a batch that is sent again, because its COMMIT was not answered, is there once"
        )
      ]
    },
    tests: [
      real(
        outcomes,
        "on MySQL is told COMMIT that was carried out, its answer lost, is unknown, and resolves to committed"
      )
    ]
  },
  {
    id: "resolve",
    mechanism: "an unknown outcome is looked up in the row",
    promise: "a lost answer to COMMIT is no fence: the queue is kept, and what was committed is told",
    section: 6,
    edits: [{
      file: "src/programs/writeOnce.ts",
      find: "Effect.zipRight(faultPoint(\"before resolve\"), destination.resolve(request)),",
      replace: "Effect.succeed(\"NotCommitted\"),"
    }],
    simulated: "made good",
    because: "written again, the batch meets the compare-and-set and is fenced",
    together: {
      ids: ["compare"],
      tests: [
        unit(
          "proof/simMysqlMechanisms",
          "a batch that is sent again, because its COMMIT was not answered, is there once"
        )
      ]
    },
    tests: [unit("programs/writeOnce", "an outcome that is unknown is looked up, and told if it was committed")]
  },
  {
    id: "resolve-same-claim",
    mechanism: "a look-up counts only in the generation of the claim",
    promise: "an owner that was replaced meanwhile is fenced, whatever the offset says",
    section: 6,
    edits: [{
      file: "src/layers/Destination.ts",
      find: "row === undefined || row.generation !== claim.generation || row.owner !== claim.owner",
      replace: "row === undefined"
    }],
    simulated: "made good",
    because: "the next compare-and-set names the claim, and fences it",
    together: {
      ids: ["generation", "owner"],
      tests: [unit("proof/simMysqlMechanisms", "an owner that has been replaced writes nothing")]
    },
    tests: [
      real(
        contract,
        "MySQL keeps the contract of Destination resolve tells committed, not committed, fenced and a foreign writer apart"
      )
    ]
  },
  {
    id: "foreign-writer",
    mechanism: "an offset that somebody else has moved stops the partition",
    promise: "whatever else writes kafka_offsets is noticed, not fought",
    section: 6,
    edits: [{
      file: "src/layers/Destination.ts",
      find: "? \"NotCommitted\" : \"ForeignWriter\"",
      replace: "? \"NotCommitted\" : \"NotCommitted\""
    }],
    simulated: "not in it",
    because:
      "nobody else writes the offsets there; without it the next compare-and-set fences the partition, and the foreign writer goes unnoticed",
    tests: [
      real(
        contract,
        "MySQL keeps the contract of Destination resolve tells committed, not committed, fenced and a foreign writer apart"
      )
    ]
  },
  {
    id: "resolve-waits",
    mechanism: "a look-up waits for the transaction in question (FOR UPDATE)",
    promise: "a transaction that may still be committed is not taken for one that was not",
    section: 6,
    edits: [{
      file: "src/layers/mysql/offsetRow.ts",
      find: "WHERE ${whereKey(key)} FOR UPDATE`",
      replace: "WHERE ${whereKey(key)}`"
    }],
    simulated: "made good",
    because: "the next compare-and-set waits for the lock, and compares",
    together: {
      ids: ["compare"],
      tests: [
        unit(
          "proof/simMysqlMechanisms",
          "a batch that is sent again, because its COMMIT was not answered, is there once"
        )
      ]
    },
    tests: [
      real(
        outcomes,
        "COMMIT swallowed without a word ends at its deadline; resolve ends what the server still holds open"
      )
    ]
  },
  {
    id: "publish-inside",
    mechanism: "the outcome is published within the region that cannot be interrupted",
    promise: "what is told at the end is what is in the database",
    section: 5,
    edits: [{
      file: "src/programs/writeOnce.ts",
      find: "      ),\n      Effect.uninterruptible\n    )",
      replace: "      )\n    )"
    }],
    simulated: "costs time",
    because: "the database is right either way; what is told of it is not",
    tests: [
      unit(
        "programs/writeOnce",
        "an interruption while a transaction is written waits for it, and what it has committed is told"
      )
    ]
  }
]
