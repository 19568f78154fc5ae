import { type Mutation, real, unit } from "../Mutation.js"

const first = "src/programs/firstOffset.ts"
const slices = "src/programs/writeSlice.ts"
const ddl = "src/layers/mysql/ddl.ts"
const letters = "simulation/deadLetters"
const pipeline = "simulation/pipeline"

/** Sections 1 and 3, where a partition begins; 10, DDL; 11, errors by their code; 13, the end. */
export const deciding: ReadonlyArray<Mutation> = [
  {
    id: "holds-rows",
    mechanism: "rows without a stored offset stop the partition",
    promise: "a missing row of kafka_offsets is never taken for a beginning",
    section: 1,
    edits: [{
      file: first,
      find: "      if (table !== undefined) return rowsWithoutOffset(where, table)\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [
      unit(
        "programs/run",
        "a partition without a stored offset does not begin anew where any table of its record types holds rows of it"
      )
    ]
  },
  {
    id: "committed-elsewhere",
    mechanism: "an offset that the group has committed to Kafka stops a partition without a stored one",
    promise: "a missing row of kafka_offsets is never taken for a beginning",
    section: 1,
    edits: [{
      file: first,
      find: "elsewhere !== undefined && elsewhere >= 0n",
      replace: "elsewhere !== undefined && elsewhere < 0n"
    }],
    simulated: "not in it",
    tests: [unit(pipeline, "does not begin anew where Kafka says that the group has consumed the partition before")]
  },
  {
    id: "added-partition",
    mechanism: "a partition that is added later begins at its earliest record",
    promise: "growing a topic loses nothing, whatever auto.offset.reset says",
    section: 3,
    edits: [{
      file: first,
      find: "stored.size === 0 ? env.config.autoOffsetReset : \"earliest\"",
      replace: "env.config.autoOffsetReset"
    }],
    simulated: "not in it",
    because: "its auto.offset.reset is earliest, so that a run can end with every record in the database",
    tests: [
      unit("programs/firstOffset", "at its earliest record if it was added later, whatever auto.offset.reset says")
    ]
  },
  {
    id: "stable-start",
    mechanism: "auto.offset.reset=latest begins at the last stable offset",
    promise: "a first start reads the transactions that are open then",
    section: 3,
    edits: [{ file: first, find: "return range?.lastStable ?? 0n", replace: "return range?.end ?? 0n" }],
    simulated: "not in it",
    tests: [unit("programs/firstOffset", "where auto.offset.reset says, if the group has none for the topic at all")]
  },
  {
    id: "topic-life",
    mechanism: "a stored source of another life of the topic is refused",
    promise: "offsets of a topic that was created anew mean nothing, and are not continued",
    section: 3,
    edits: [{
      file: "src/domain/SourceDecision.ts",
      find: "source.inUse && !isSameLife(source, wanted)",
      replace: "source.inUse && source.id < 0 && !isSameLife(source, wanted)"
    }],
    simulated: "finds",
    tests: [unit("domain/SourceDecision", "offsets in use of another life are never passed over")]
  },
  {
    id: "topic-watched",
    mechanism: "the topic's id is compared again while it is read",
    promise: "a topic that is created anew under a running instance is noticed",
    section: 3,
    edits: [{
      file: "src/programs/awaitTopic.ts",
      find: "before !== \"\" && topicId !== before) return",
      replace: "before !== \"\" && topicId === \"?\") return"
    }],
    simulated: "made good",
    because: "the topic's id is compared again before what was fetched is written",
    together: { ids: ["same-life"], tests: [unit("proof/simulation", "(topic-made-anew-before-the-first-fetch)")] },
    tests: [unit(pipeline, "notices that the topic was created anew while it was stuck behind the database")]
  },
  {
    id: "same-life",
    mechanism: "the topic's id is compared again before what was fetched is written",
    promise: "nothing of a topic that was created anew is taken for what the old one would have held next",
    section: 3,
    edits: [{ file: "src/programs/partition.ts", find: "      yield* env.sameLife\n", replace: "" }],
    simulated: "seldom",
    because: "a topic has to be made anew between a look at its id and a fetch; the corpus keeps a plan that shows it",
    tests: [
      unit(
        "programs/sameLife",
        "a partition of which a fetch comes from another life of the topic writes nothing of it and is stopped"
      ),
      unit("proof/simulation", "(topic-made-anew-before-the-first-fetch)")
    ]
  },
  {
    id: "pipeline-name",
    mechanism: "a source belongs to one pipeline",
    promise: "two pipelines under one group do not get half of the records each",
    section: 12,
    edits: [{
      file: "src/domain/SourceDecision.ts",
      find: "match.pipeline !== wanted.pipeline",
      replace: "match.pipeline === \"?\""
    }],
    simulated: "not in it",
    tests: [unit("domain/SourceDecision", "what is used is of this life and this pipeline")]
  },
  {
    id: "key-order",
    mechanism: "keyed rows are written in the order of their keys",
    promise: "transactions that share rows wait for each other instead of deadlocking",
    section: 5,
    edits: [{
      file: "src/domain/sql/changes.ts",
      find: "const inOrder = [...keyed].toSorted(byKey).map",
      replace: "const inOrder = [...keyed].map"
    }],
    simulated: "not in it",
    tests: [
      unit(
        "domain/sql/keyedChanges",
        "name each key at most once in the deletions and once in the writes, in the order of the keys"
      )
    ]
  },
  {
    id: "table-order",
    mechanism: "tables are written in the order of their names",
    promise: "transactions that share rows wait for each other instead of deadlocking",
    section: 5,
    edits: [{ file: "src/domain/sql/changes.ts", find: "[...tables].toSorted(byKey)", replace: "[...tables]" }],
    simulated: "not in it",
    tests: [
      unit(
        "domain/sql/changes",
        "hold every row once, in order, under its own head, tables in the order of their names"
      )
    ]
  },
  {
    id: "ddl-lock",
    mechanism: "one instance at a time creates or alters a table (GET_LOCK)",
    promise: "instances that start together do not fail on each other's DDL",
    section: 10,
    edits: [{ file: ddl, find: "    if (row?.got !== 1) return yield* busy(table)\n", replace: "" }],
    simulated: "not in it",
    tests: [
      real("integration/mysql/ddlLock", "on MySQL whoever comes second waits for the first, and finds the table done")
    ]
  },
  {
    id: "ddl-wait",
    mechanism: "DDL waits for a table's users in short turns",
    promise: "an ALTER that has to wait does not stop the writers of its table",
    section: 10,
    edits: [{ file: ddl, find: "const lockWaitS = 2", replace: "const lockWaitS = 20" }],
    simulated: "not in it",
    tests: [
      real(
        "integration/mysql/existingTables",
        "on MySQL a writer with an open transaction is waited for, and other writers go on meanwhile"
      )
    ]
  },
  {
    id: "ddl-faster",
    mechanism: "what somebody else has created or altered meanwhile counts as done",
    promise: "DDL by hand, or through another server, does not stop an instance",
    section: 10,
    edits: [{ file: ddl, find: "new Set([1050, 1060, 1091])", replace: "new Set<number>()" }],
    simulated: "not in it",
    tests: [real("integration/mysql/ddlLock", "on MySQL a column that somebody adds meanwhile by hand counts as done")]
  },
  {
    id: "bisection",
    mechanism: "a transaction that its content fails is halved",
    promise: "one bad record makes one letter, whatever batch it was in",
    section: 11,
    edits: [{
      file: slices,
      find: "if (!isAlone && (isAboutRecords(error) || isTooLarge(error))) {",
      replace: "if (!isAlone && isTooLarge(error)) {"
    }],
    simulated: "finds",
    tests: [
      unit(
        letters,
        "become dead letters, whoever refuses them; everything else is a row, and the offset reaches the end"
      )
    ]
  },
  {
    id: "unlisted",
    mechanism: "an error of which nothing is known makes no letter",
    promise: "a record is called bad only for a reason that is known to be its own",
    section: 11,
    edits: [{
      file: slices,
      find: "const isPoison = error.class === \"poison\" ||",
      replace: "const isPoison = error.class === \"poison\" || error.class === \"unlisted\" ||"
    }],
    simulated: "not in it",
    tests: [
      unit(letters, "an error of which nothing is known makes no letter: it stops the partition before its record")
    ]
  },
  {
    id: "outage-no-letter",
    mechanism: "what time heals is waited for",
    promise: "no outage makes a dead letter or stops a partition",
    section: 11,
    edits: [{
      file: "src/domain/MysqlErrors.ts",
      find: "  if (reconnect.has(code)) return \"reconnect\"\n",
      replace: ""
    }],
    simulated: "finds",
    tests: [unit("domain/MysqlErrors", "errors of the connection ask for a new one, named or not")]
  },
  {
    id: "deadlock-retried",
    mechanism: "deadlocks and lock waits are tried again",
    promise: "no outage makes a dead letter or stops a partition",
    section: 11,
    edits: [{ file: "src/domain/MysqlErrors.ts", find: "new Set([1213, 1205, 1412", replace: "new Set([1412" }],
    simulated: "finds",
    tests: [unit("domain/MysqlErrors", "of rows: 1213, 1205")]
  },
  {
    id: "already-there",
    mechanism: "a record that is in the table already stops its partition",
    promise: "a repetition would be noticed, not hidden among the letters",
    section: 11,
    edits: [{
      file: "src/domain/MysqlErrors.ts",
      find: "return detail.ownKey === false ? \"poison\" : \"already-there\"",
      replace: "return detail.ownKey === false ? \"poison\" : \"poison\""
    }],
    simulated: "not in it",
    tests: [unit("domain/MysqlErrors", "1062 is poison only on an index that is known not to be ours")]
  },
  {
    id: "letter-rate",
    mechanism: "too many letters stop the partition",
    promise: "a wrong schema does not empty a topic into the table of letters",
    section: 11,
    edits: [{
      file: "src/domain/errorRate.ts",
      find: "known.length - first > rateMax * Math.min(seen, windowRecords)",
      replace: "known.length - first > 2 * Math.min(seen, windowRecords)"
    }],
    simulated: "not in it",
    tests: [unit("domain/errorRate", "stops at the first letter beyond it, however the records are cut into batches")]
  },
  {
    id: "drain-deadline",
    mechanism: "a drain has a deadline",
    promise: "a process ends in time after SIGTERM, whatever does not answer",
    section: 13,
    edits: [{
      file: "src/programs/supervise.ts",
      find: "      Effect.interruptible,\n      Effect.timeoutOption(config.shutdownTimeoutMs)",
      replace: "      Effect.timeoutOption(config.shutdownTimeoutMs)"
    }],
    simulated: "finds",
    tests: [unit("programs/supervise", "a drain that does not end is given up at its deadline", true)]
  },
  {
    id: "replay-together",
    mechanism: "a replayed letter is marked in the transaction that writes its row",
    promise: "a letter that is replayed becomes a row once",
    section: 11,
    edits: [{
      file: "src/layers/mysql/letterReplay.ts",
      find: "[\"START TRANSACTION\", marking]",
      replace: "[\"DO 0\", marking]"
    }],
    simulated: "not in it",
    tests: [real("integration/mysql/dlq", "a row that is refused, also by a mere warning, leaves its letter open")]
  },
  {
    id: "replay-open",
    mechanism: "only a letter that is still open is replayed",
    promise: "a letter that is replayed becomes a row once",
    section: 11,
    edits: [{
      file: "src/layers/mysql/letterReplay.ts",
      find: "if ((yield* affectedRows(marked)) !== 1) return yield* decided(ReplayOutcome.NotOpen())",
      replace: "if ((yield* affectedRows(marked)) > 1) return yield* decided(ReplayOutcome.NotOpen())"
    }],
    simulated: "not in it",
    tests: [
      real("integration/mysql/dlq", "two replays at once of a table that cannot tell repeats write each row once")
    ]
  }
]
