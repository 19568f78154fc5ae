import { type Mutation, unit } from "../Mutation.js"

const supervise = "src/programs/supervise.ts"
const outages = "src/programs/outages.ts"
const calm = "simulation/outage"

/** Sections 4, 6, 11 and 13: what keeps a process right, quiet and obedient over a long time. */
export const lasting: ReadonlyArray<Mutation> = [
  {
    id: "still-stands",
    mechanism: "a partition that rests looks whether its stored offset still stands",
    promise: "what a fail-over has lost is written again, also where no more records come",
    section: 4,
    edits: [{
      file: "src/programs/partition.ts",
      find: "if (row?.offset === position) continue",
      replace: "if (row?.offset !== -1n) continue"
    }],
    simulated: "seldom",
    because: "a fail-over has to lose the last transaction of a partition that gets no more records",
    tests: [
      unit(
        "programs/partition",
        "one that rests looks whether its offset still stands, and claims anew what a fail-over or a person has moved"
      ),
      unit("simulation/failOver", "is read again also where no more records come"),
      unit("proof/simulation", "(fail-over-of-an-idle-partition)")
    ]
  },
  {
    id: "resolve-fail-over",
    mechanism: "an offset behind where the transaction began is a fail-over's, not a foreign writer's",
    promise: "after a fail-over a partition is claimed anew and goes on, without a person",
    section: 6,
    edits: [{
      file: "src/layers/Destination.ts",
      find: "  if (row.offset < expected) return \"Fenced\"\n",
      replace: ""
    }],
    simulated: "seldom",
    because: "a fail-over has to come between a COMMIT without an answer and the look-up",
    tests: [
      unit(
        "proof/simMysqlMechanisms",
        "a fail-over that has lost transactions behind an unknown COMMIT fences, so that they are read again"
      )
    ]
  },
  {
    id: "outage-rarely",
    mechanism: "of an outage one line, then one each 30 s",
    promise: "a night without a database leaves a log that can be read",
    section: 11,
    edits: [{
      file: outages,
      find: ".saidMs < summaryEveryMs) return Effect.void",
      replace: ".saidMs < 0) return Effect.void"
    }],
    simulated: "costs time",
    because: "what is lost is a log that can be read",
    tests: [
      unit("programs/outages", "50 partitions that wait for the database ten minutes tell it together"),
      unit(calm, "an outage of ten minutes of the database")
    ]
  },
  {
    id: "outage-shared",
    mechanism: "all that wait for one service tell of its outage together",
    promise: "a night without a database leaves a log that can be read",
    section: 11,
    edits: [{
      file: outages,
      find: "const service = serviceOf(failure)\n",
      replace: "const service = serviceOf({ ...failure, _tag: \"\" })\n"
    }],
    simulated: "costs time",
    because: "what is lost is a log that can be read",
    tests: [
      unit("programs/outages", "50 partitions that wait for the database ten minutes tell it together"),
      unit(calm, "an outage of ten minutes of the database")
    ]
  },
  {
    id: "backoff-bound",
    mechanism: "a bound for the wait between two tries (retry.backoff.max.ms)",
    promise: "a service that is back is noticed within seconds, however long it was away",
    section: 11,
    edits: [{
      file: "src/programs/outage.ts",
      find: "Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(attempt, 20))",
      replace: "backoff.baseMs * 2 ** Math.min(attempt, 20)"
    }],
    simulated: "costs time",
    because: "what is lost is time, and its outages are too short for much of it",
    tests: [unit(calm, "an outage of ten minutes of the database")]
  },
  {
    id: "revoke-deadline",
    mechanism: "the work on revoked partitions is waited for no longer than a session",
    promise: "one member does not hold up the rebalance of all",
    section: 9,
    edits: [{
      file: "src/layers/kafka/revoking.ts",
      find: "    Effect.disconnect,\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [unit("layers/kafka/revoking", "what does not end holds the group no longer than a session", true)]
  },
  {
    id: "drain-start",
    mechanism: "what comes before the job is drained, too",
    promise: "a process ends in time after SIGTERM, whatever does not answer",
    section: 13,
    edits: [{
      file: supervise,
      find: "() => drain(config, running, Effect.void)",
      replace: "() => Fiber.interrupt(running)"
    }],
    simulated: "seldom",
    because: "a signal has to come while a start hangs; the corpus keeps a plan that shows it",
    tests: [
      unit("programs/supervise", "what comes before the job is given up at the same deadline"),
      unit("proof/simulation", "(stop-before-the-job)")
    ]
  },
  {
    id: "drain-whole",
    mechanism: "no interruption fits between the start of the job and what drains it",
    promise: "a signal at any moment leaves nothing running",
    section: 13,
    edits: [{
      file: supervise,
      find: "Effect.uninterruptibleMask((restore) =>\n    // Not a child",
      replace: "Effect.interruptibleMask((restore) =>\n    // Not a child"
    }],
    simulated: "not in it",
    because: "its signals come between operations of other fibers, hardly ever at that one of a thousand",
    tests: [
      unit("programs/supervise", "an interruption leaves no job behind, whatever the operation after which it comes")
    ]
  }
]
