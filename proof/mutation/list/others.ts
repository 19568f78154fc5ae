import { type Mutation, real, unit } from "../Mutation.js"

const transaction = "src/programs/transform/transaction.ts"
const own = "src/programs/transform/transformPartition.ts"
const strategies = "src/programs/read/commitStrategy.ts"
const consume = "src/programs/read/consume.ts"
const reads = "simulation/read"
const faults = "integration/kafka/producerFaults"

/** The other programs: transform (Kafka to Kafka), produce, read. */
export const others: ReadonlyArray<Mutation> = [
  {
    id: "transform-fence",
    mechanism: "transform: a transactional id for each input partition, the same in every instance",
    promise: "an owner that was replaced commits nothing to the output",
    edits: [{
      file: "src/programs/transform/settings.ts",
      find: "`${settings.transactionalIdPrefix}-${settings.options.input}-${partition}`",
      replace: "`${settings.transactionalIdPrefix}-${settings.options.input}-${partition}-${Math.random()}`"
    }],
    simulated: "not in it",
    tests: [unit("simulation/transform", "a transformation under random faults loses, repeats and reorders nothing")]
  },
  {
    id: "transform-offsets",
    mechanism: "transform: the input's offsets are committed in the transaction that writes the output",
    promise: "each input record has its effect in the output once",
    edits: [{
      file: transaction,
      find:
        "    yield* producer.sendOffsets(group, options.input, [{ partition: env.route.input.partition, offset: open.next }])\n    yield* producer.commit\n",
      replace:
        "    yield* producer.commit\n    yield* producer.sendOffsets(group, options.input, [{ partition: env.route.input.partition, offset: open.next }])\n    yield* producer.commit\n"
    }],
    simulated: "not in it",
    tests: [unit("simulation/transform", "a transformation under random faults loses, repeats and reorders nothing")]
  },
  {
    id: "transform-id-first",
    mechanism: "transform: the transactional id is opened before the group's offset is read",
    promise: "an owner begins where its predecessor has ended, not where it was when it looked",
    edits: [{
      file: own,
      find: "    const producer = yield* openId(env)\n    const committed = yield* committedOffset(env)\n",
      replace: "    const committed = yield* committedOffset(env)\n    const producer = yield* openId(env)\n"
    }],
    simulated: "not in it",
    tests: [unit("simulation/transform", "a transformation under random faults loses, repeats and reorders nothing")]
  },
  {
    id: "transform-chain",
    mechanism: "transform: a slice is sent only where it begins at the position",
    promise: "each input record has its effect in the output once",
    edits: [{ file: own, find: "slice.expected !== progress.position", replace: "slice.expected < 0n" }],
    simulated: "not in it",
    tests: [
      unit(
        "programs/transformPartition",
        "what does not begin at the position is read again, and nothing of it is sent"
      )
    ]
  },
  {
    id: "transform-failed-send",
    mechanism: "transform: nothing is committed after a send that has failed",
    promise: "half of a transaction is never committed",
    edits: [{
      file: own,
      find: "return yield* Effect.onInterrupt(work, () =>",
      replace: "return yield* Effect.onExit(work, () =>"
    }],
    simulated: "not in it",
    tests: [
      unit(
        "programs/transform",
        "commits nothing when it is stopped while a send fails: the log may hold more than it knows of"
      ),
      unit("simulation/transform", "a transformation under random faults loses, repeats and reorders nothing")
    ]
  },
  {
    id: "producer-lanes",
    mechanism: "produce: batches of a partition are sent one after the other",
    promise: "records of a partition are in the log in the order in which they were given",
    edits: [{
      file: "src/layers/kafka/lanes.ts",
      find: "const inTurn = before === undefined ? work :",
      replace: "const inTurn = before !== undefined ? work :"
    }, {
      file: "src/layers/kafka/lanes.ts",
      find: "Effect.zipRight(Deferred.await(before), work)",
      replace: "Effect.zipRight(Effect.void, work)"
    }],
    simulated: "not in it",
    tests: [
      unit("layers/kafka/producing", "lanes run one after the other what enters the same one, in the order of entry")
    ]
  },
  {
    id: "producer-sequence",
    mechanism: "produce: sequence numbers, the same with each retry",
    promise: "a batch that is sent again because its answer was lost is in the log once",
    edits: [{
      file: "src/layers/kafka/KafkaProducer.ts",
      find: "sending.append(target, batch, stampOf(sequence))",
      replace: "sending.append(target, batch, sequence.next < 0 ? stampOf(sequence) : undefined)"
    }],
    simulated: "not in it",
    tests: [real(faults, "nothing is lost, repeated or put in another order while sends overlap")]
  },
  {
    id: "producer-epoch",
    mechanism: "produce: a higher epoch after a batch whose fate is unknown",
    promise: "the next batch is not taken for the one that was given up",
    edits: [{
      file: "src/layers/kafka/KafkaProducer.ts",
      find: "const next = inDoubt || forgotten ? later(sequence) : sequence",
      replace: "const next = forgotten ? later(sequence) : sequence"
    }],
    simulated: "not in it",
    tests: [real(faults, "the next batch is not taken for one whose answer was lost and that was given up")]
  },
  {
    id: "producer-duplicate",
    mechanism: "produce: a number that is taken is an earlier try of the batch only where one is in doubt",
    promise: "nothing is acknowledged that is not in the log",
    edits: [{
      file: "src/layers/kafka/appending.ts",
      find: "code === duplicateSequence && inDoubt, ()",
      replace: "code === duplicateSequence, ()"
    }],
    simulated: "not in it",
    tests: [
      unit("layers/kafka/appending", "a number that is taken is an earlier try of the batch, and without one an error")
    ]
  },
  {
    id: "producer-doubt",
    mechanism: "produce: what a leader says before it appends is told from what it may say after",
    promise: "a batch that may be in the log is never called lost",
    edits: [{
      file: "src/layers/kafka/appending.ts",
      find: "inDoubt: !refusedCodes.has(errorCode)",
      replace: "inDoubt: errorCode < 0 && !refusedCodes.has(errorCode)"
    }],
    simulated: "not in it",
    tests: [unit("layers/kafka/appending", "may be in the log, unless its leader refused it before it appended")]
  },
  {
    id: "producer-broken",
    mechanism: "transactions: after a failed send only an abort is left",
    promise: "half of a transaction is never committed",
    edits: [{
      file: "src/layers/kafka/KafkaTransactions.ts",
      find: "if (exit._tag === \"Failure\") state = \"Broken\"",
      replace: "if (exit._tag === \"Failure\") state = \"Open\""
    }],
    simulated: "not in it",
    tests: [
      real(
        "integration/kafka/transactionalProducer",
        "after a send that failed an abort makes the producer usable again"
      )
    ]
  },
  {
    id: "read-offset",
    mechanism: "read: sync-offset commits the offset behind the record that was processed",
    promise: "each strategy commits what it says, when it says",
    edits: [{
      file: consume,
      find: "offset: record.offset + 1n }])\n      // Only",
      replace: "offset: record.offset }])\n      // Only"
    }],
    simulated: "not in it",
    tests: [
      unit(
        reads,
        "what each strategy has committed when a member is killed or stopped at the 150th of 200 records sync-offset"
      )
    ]
  },
  {
    id: "read-each",
    mechanism: "read: sync-each commits after each record",
    promise: "each strategy commits what it says, when it says",
    edits: [{
      file: strategies,
      find: "\"sync-each\": { ...never, afterRecord: \"positions\"",
      replace: "\"sync-each\": { ...never, afterPoll: \"wait\""
    }],
    simulated: "not in it",
    tests: [
      unit(
        reads,
        "what each strategy has committed when a member is killed or stopped at the 150th of 200 records sync-each"
      )
    ]
  },
  {
    id: "read-revoked",
    mechanism: "read: auto commits before partitions are given back",
    promise: "each strategy commits what it says, when it says",
    edits: [{ file: strategies, find: "onClose: true, onRevoked: true", replace: "onClose: true, onRevoked: false" }],
    simulated: "not in it",
    tests: [
      unit(
        reads,
        "a rebalance makes auto commit before it gives partitions back, also long before its interval is over"
      )
    ]
  },
  {
    id: "read-failed",
    mechanism: "read: a member whose processing has failed commits nothing more",
    promise: "what was not processed is not committed",
    edits: [{
      file: consume,
      find: "if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) {",
      replace: "if (Exit.isSuccess(exit) || Cause.isFailure(exit.cause) || Cause.isInterruptedOnly(exit.cause)) {"
    }],
    simulated: "not in it",
    tests: [unit(reads, "a process that fails ends the member without another commit")]
  },
  {
    id: "read-file-position",
    mechanism: "read into files: what is before the folder's position is left out",
    promise: "each record is a row of the files once, over any number of kills",
    edits: [{
      file: "src/programs/read/fileSink.ts",
      find: "    if (offset < (positions.get(String(partition)) ?? 0n)) continue\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [unit("programs/read/fileSink", "each record is a row once, after a kill and after a power cut at any byte")]
  }
]
