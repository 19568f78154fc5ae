import { type Mutation, unit } from "../Mutation.js"

const partition = "src/programs/partition.ts"
const queue = "src/programs/PartitionQueue.ts"
const assignment = "src/programs/assignment.ts"
const pipeline = "simulation/pipeline"
const queues = "programs/PartitionQueue"

/** Sections 4 and 7: the chain, and what happens at its breaks; and the queue that carries it. */
export const chaining: ReadonlyArray<Mutation> = [
  {
    id: "chain",
    mechanism: "a batch is written only where it begins at the writer's position",
    promise: "no hole in the chain is ever written over",
    section: 4,
    edits: [{ file: partition, find: "slice.expected !== position", replace: "slice.expected < 0n" }],
    simulated: "made good",
    because: "the compare-and-set fences it; what is lost is time, and the reason that would be told",
    together: { ids: ["compare"] },
    tests: [unit("programs/partition", "what does not begin at the position is read again, without a fence")]
  },
  {
    id: "chain-join",
    mechanism: "only slices that follow each other are joined",
    promise: "no hole in the chain is ever written over",
    section: 4,
    edits: [{ file: queue, find: " || slice.expected !== end) break", replace: ") break" }],
    simulated: "seldom",
    because: "a break of the chain has to come while what stands before it is still queued",
    tests: [unit(queues, "does not join across a break of the chain")]
  },
  {
    id: "chain-empty",
    mechanism: "an empty stretch is joined only with what follows it",
    promise: "no hole in the chain is ever written over",
    section: 4,
    edits: [{
      file: partition,
      find: "takeQueued(env, { from: slice.next })",
      replace: "takeQueued(env)"
    }],
    simulated: "made good",
    because: "the chain at the writer and the compare-and-set see to it that nothing is written over a hole",
    together: { ids: ["chain", "compare"] },
    tests: [unit("programs/partition", "an empty stretch is not joined with what does not follow it")]
  },
  {
    id: "split",
    mechanism: "the rest of a split slice begins where its first part ends",
    promise: "halving a transaction neither loses nor repeats a record",
    section: 4,
    edits: [{
      file: "src/domain/slices.ts",
      find: "const middle = last.offset + 1n",
      replace: "const middle = last.offset"
    }],
    simulated: "finds",
    tests: [unit("domain/slices", "the two parts of a slice are the slice again, whatever the cut")]
  },
  {
    id: "slice-end",
    mechanism: "the last slice of a fetch ends where the fetch ended",
    promise: "lag reaches zero behind control records, and retention raises no false alarm",
    section: 4,
    edits: [{
      file: "src/domain/slices.ts",
      find: "next: last === undefined ? batch.nextOffset : last.offset + 1n",
      replace: "next: ((batch.records[to - 1] ?? batch.records.at(-1))?.offset ?? batch.nextOffset - 1n) + 1n"
    }],
    simulated: "finds",
    tests: [unit("domain/slices", "slices of a batch form a chain from what was asked for to where the fetch ended")]
  },
  {
    id: "empty",
    mechanism: "a stretch without data records becomes an empty batch, which moves the offset alone",
    promise: "lag reaches zero behind control records, and retention raises no false alarm",
    section: 4,
    edits: [
      {
        file: partition,
        find: "return more === undefined ? slice : joinSlices",
        replace: "if (more !== undefined) return joinSlices"
      }
    ],
    simulated: "finds",
    tests: [unit("programs/partition", "an empty stretch moves the offset by itself")]
  },
  {
    id: "low-watermark",
    mechanism: "where the chain breaks the log's range is read: a position outside it stops the partition",
    promise: "records that are gone are told, never skipped",
    section: 4,
    edits: [{
      file: partition,
      find:
        "const problem = outOfRange(env, position, yield* logRange(env, backoffOf(env)))\n        if (problem !== undefined) return yield* problem",
      replace: ""
    }],
    simulated: "finds",
    tests: [unit("programs/partition", "a partition that retention has overtaken is stopped, and says so")]
  },
  {
    id: "range-at-start",
    mechanism: "an acquired offset outside of the log stops the partition",
    promise: "records that are gone are told, never skipped",
    section: 3,
    edits: [{
      file: partition,
      find: "    if (problem !== undefined) return yield* problem\n    yield* Effect.logInfo(`acquired",
      replace: "    yield* Effect.logInfo(`acquired"
    }],
    simulated: "made good",
    because: "the first fetch breaks the chain, and the range is read then",
    together: {
      ids: ["low-watermark"],
      tests: [unit("simulation/pipeline", "stops a partition whose records are gone instead of skipping them")]
    },
    tests: [unit("programs/partition", "an offset outside of the log stops the partition before anything is fetched")]
  },
  {
    id: "range-again",
    mechanism: "a claim beyond the range that was read before it is compared with a new one",
    promise: "a take-over from an owner that was fast is no false alarm",
    section: 3,
    edits: [{
      file: partition,
      find: "claim.offset > range.end ? yield* logRange(env, backoffOf(env)) : range",
      replace: "range"
    }],
    simulated: "costs time",
    because: "a partition that is stopped by a false alarm is acquired again with the next assignment",
    tests: [unit("programs/partition", "an owner before that has written beyond the range that was read is no problem")]
  },
  {
    id: "seek",
    mechanism: "an acquired partition is sought to the stored offset",
    promise: "what the database says is where reading goes on",
    section: 9,
    edits: [{ file: partition, find: "      yield* seekTo(env, claim.offset)\n", replace: "" }],
    simulated: "finds",
    tests: [unit(pipeline, "writes every record once, in order, and stores the end of the log")]
  },
  {
    id: "clear-at-seek",
    mechanism: "the queue is cleared before a seek",
    promise: "what was fetched before a seek is never written behind it",
    section: 7,
    edits: [{
      file: partition,
      find: "    env.queue.clear()\n    return Effect.zipRight(env.membership.seek",
      replace: "    return Effect.zipRight(env.membership.seek"
    }],
    simulated: "made good",
    because: "the chain drops it, slice by slice, each with a pause, and the compare-and-set would",
    together: { ids: ["chain", "compare"] },
    tests: [unit("programs/partition", "what does not begin at the position is read again, without a fence")]
  },
  {
    id: "clear-at-fence",
    mechanism: "a fenced owner pauses the partition and drops its queue",
    promise: "an owner that was replaced holds no records while it waits",
    section: 7,
    edits: [{
      file: partition,
      find:
        "      yield* env.membership.pause(env.partition)\n      env.queue.clear()\n      yield* env.membership.confirmed",
      replace: "      yield* env.membership.confirmed"
    }],
    simulated: "costs time",
    because: "what is queued takes memory until the next seek clears it",
    tests: [unit("programs/partition", "a fenced owner fetches and holds nothing until its membership is confirmed")]
  },
  {
    id: "confirmed",
    mechanism: "a fenced owner acquires only after a heartbeat has confirmed its membership",
    promise: "two that both believe to be the owner do not starve each other",
    section: 7,
    edits: [{ file: partition, find: "      yield* env.membership.confirmed\n", replace: "" }],
    simulated: "costs time",
    because: "fencing each other, both lose time and no record",
    tests: [unit("programs/partition", "a fenced owner fetches and holds nothing until its membership is confirmed")]
  },
  {
    id: "fence-backoff",
    mechanism: "a random wait after a fence",
    promise: "two that both believe to be the owner do not starve each other",
    section: 7,
    edits: [{
      file: partition,
      find: "      yield* Effect.sleep(yield* jittered(fenceBackoff, fences))\n",
      replace: ""
    }],
    simulated: "costs time",
    because: "fencing each other, both lose time and no record",
    tests: [unit("programs/partition", "an owner that is fenced again and again waits longer and longer")]
  },
  {
    id: "stale-batches",
    mechanism: "what was fetched in another generation is dropped",
    promise: "a batch of an assignment that is over is nobody's",
    section: 9,
    edits: [{ file: assignment, find: "runner?.generation === batch.generation ?", replace: "runner !== undefined ?" }],
    simulated: "made good",
    because: "the chain drops it, and the compare-and-set would",
    together: { ids: ["chain", "compare"] },
    tests: [unit("programs/assignment", "what was fetched in another generation is dropped")]
  },
  {
    id: "runners-cleared",
    mechanism: "from a new assignment on nothing is delivered to the writers before",
    promise: "a batch of an assignment that is over is nobody's",
    section: 9,
    edits: [{ file: assignment, find: "      runners.clear()\n", replace: "" }],
    simulated: "made good",
    because: "the generation of each batch is compared as well",
    together: { ids: ["stale-batches", "chain", "compare"] },
    tests: [unit("programs/assignment", "from a new assignment on nothing goes to the writers before")]
  },
  {
    id: "drain-first",
    mechanism: "the running transactions finish before the next assignment begins",
    promise: "a process never fences itself",
    section: 9,
    edits: [{
      file: assignment,
      find: "yield* Fiber.interrupt(running)",
      replace: "yield* Fiber.interruptFork(running)"
    }],
    simulated: "made good",
    because: "the compare-and-set names the claim, and fences one of the two",
    together: {
      ids: ["generation", "owner"],
      tests: [unit("proof/simMysqlMechanisms", "an owner that has been replaced writes nothing")]
    },
    tests: [unit("programs/assignment", "what runs ends before the next assignment begins")]
  },
  {
    id: "queue-bound",
    mechanism: "a queue takes no more than blocking.queue.size + max.poll.records",
    promise: "a slow database costs bounded memory",
    section: 4,
    edits: [{
      file: queue,
      find: "const full = () => queued >= limits.records || overBudget()",
      replace: "const full = () => queued < 0 || overBudget()"
    }],
    simulated: "finds",
    tests: [unit(queues, "never holds more than blocking.queue.size + max.poll.records, whatever a fetch brings")]
  },
  {
    id: "queue-pause",
    mechanism: "a queue that is full pauses its partition",
    promise: "a slow database costs bounded memory",
    section: 4,
    edits: [{
      file: queue,
      find: "return paused ? \"pause\" : \"fetch\"",
      replace: "return paused ? \"fetch\" : \"fetch\""
    }],
    simulated: "finds",
    tests: [unit(queues, "never holds more than blocking.queue.size + max.poll.records, whatever a fetch brings")]
  },
  {
    id: "queue-bytes",
    mechanism: "all queues together hold no more than queue.max.bytes",
    promise: "large records cost bounded memory, too",
    section: 4,
    edits: [{
      file: queue,
      find: "const overBudget = () => queued > 0 &&",
      replace: "const overBudget = () => queued < 0 &&"
    }],
    simulated: "not in it",
    tests: [unit(queues, "blocks by bytes, with its own records or those of other partitions")]
  },
  {
    id: "queue-share",
    mechanism: "a queue with less than its share of the bytes flows",
    promise: "one slow partition does not stop the others",
    section: 4,
    edits: [{ file: queue, find: " && held >= budget.max / budget.queues", replace: "" }],
    simulated: "not in it",
    tests: [unit(queues, "flows with less than its share of the bytes, however much others hold")]
  },
  {
    id: "queue-gives-back",
    mechanism: "what is cleared is given back to the budget",
    promise: "rebalances do not use the memory's budget up",
    section: 4,
    edits: [{ file: queue, find: "    hold(-held)\n", replace: "    held = 0\n" }],
    simulated: "not in it",
    because: "its records are small: the budget is never used up",
    tests: [unit(queues, "forgets everything and gives its bytes back when cleared")]
  }
]
