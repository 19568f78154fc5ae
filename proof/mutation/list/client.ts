import { type Mutation, real, unit } from "../Mutation.js"

const groupSession = "src/layers/kafka/GroupSession.ts"
const membership = "src/layers/kafka/membership.ts"
const sessions = "layers/kafka/GroupSession"
const members = "integration/kafka/members"

/** Sections 4 and 9, as the Kafka client keeps them. The simulated cluster stands in its place: it is not in there. */
export const client: ReadonlyArray<Mutation> = [
  {
    id: "paused-at-first",
    mechanism: "a new assignment is paused until it is sought and resumed",
    promise: "nothing is fetched before the database has said where to begin",
    section: 9,
    edits: [{
      file: groupSession,
      find: "paused: new Set(partitions), positions",
      replace: "paused: new Set(), positions"
    }],
    simulated: "not in it",
    tests: [unit(sessions, "a partition is fetched only when it is held, sought and resumed, in any order of the two")]
  },
  {
    id: "fetched-offset",
    mechanism: "a fetch is dropped that does not begin at the position",
    promise: "what was asked for before a seek is never delivered behind it",
    section: 4,
    edits: [{
      file: groupSession,
      find: " && held.positions.get(partition) === offset",
      replace: " && (held.positions.get(partition) ?? offset) >= 0n"
    }],
    simulated: "not in it",
    tests: [unit(sessions, "a fetch is dropped that was sought away from meanwhile")]
  },
  {
    id: "fetch-generation",
    mechanism: "a fetch of another generation is dropped",
    promise: "a batch of an assignment that is over is nobody's",
    section: 9,
    edits: [{
      file: groupSession,
      find: "return held?.generation === generation && !held.paused",
      replace: "return held !== undefined && generation > 0 && !held.paused"
    }],
    simulated: "not in it",
    tests: [
      unit(sessions, "a fetch is dropped of an older generation, though its partition is sought to the same offset")
    ]
  },
  {
    id: "fetch-paused",
    mechanism: "a fetch of a partition that was paused meanwhile is dropped",
    promise: "a full queue gets nothing more",
    section: 4,
    edits: [{
      file: groupSession,
      find: " && !held.paused.has(partition) && held.positions",
      replace: " && held.positions"
    }],
    simulated: "not in it",
    tests: [unit(sessions, "a fetch is dropped of a partition that was paused meanwhile")]
  },
  {
    id: "lost-first",
    mechanism: "a join says first that what was held is lost",
    promise: "every assignment replaces the one before, though kafkajs tells of no revocation",
    section: 9,
    edits: [{ file: groupSession, find: "    this.lost(\"the group has rebalanced\")\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(sessions, "a join says first that the old generation is lost, then what is held now, ascending")]
  },
  {
    id: "heartbeat-after",
    mechanism: "a membership is confirmed by a heartbeat that was sent after the question",
    promise: "a fenced owner does not take a partition back on an answer from before the fence",
    section: 7,
    edits: [{ file: groupSession, find: "          if (sent <= waiter.after) continue\n", replace: "" }],
    simulated: "not in it",
    tests: [
      unit(sessions, "a membership is confirmed by a heartbeat that was sent after the question, not by one before")
    ]
  },
  {
    id: "heartbeat-generation",
    mechanism: "who waits for a heartbeat of a generation that ends is told nothing",
    promise: "a fenced owner does not take a partition back on an answer from before the fence",
    section: 7,
    edits: [{
      file: groupSession,
      find: "    this.#confirmations.clear()\n    this.#output.event",
      replace: "    this.#output.event"
    }],
    simulated: "not in it",
    tests: [unit(sessions, "a membership is confirmed never in a generation that is over, nor by a heartbeat of one")]
  },
  {
    id: "heartbeat-lost",
    mechanism: "a heartbeat that is refused ends the assignment at once",
    promise: "a member that was evicted stops fetching when it learns of it",
    section: 9,
    edits: [{
      file: membership,
      find: "        if (type !== undefined && evicted.has(type)) session.lost(messageOf(error))\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [real("integration/kafka/evicted", "a member that was evicted learns it by its next heartbeat", true)]
  },
  {
    id: "commit-assigned",
    mechanism: "offsets are told to Kafka of assigned partitions only",
    promise: "lag tools never see a partition go back because of somebody who has lost it",
    section: 9,
    edits: [{
      file: membership,
      find: "offsets.find(({ partition }) => !session.mayCommit(partition))",
      replace: "offsets.find(({ partition }) => partition < 0)"
    }],
    simulated: "not in it",
    tests: [real(members, "is confirmed by the coordinator, and tells committed offsets of what it holds only")]
  },
  {
    id: "commit-revoked",
    mechanism: "what was revoked may be committed until the member joins again, and not after",
    promise: "a commit that would be fenced is not sent",
    section: 9,
    edits: [{
      file: groupSession,
      find: "  joining(): void {\n    this.#revoked = new Set()\n",
      replace: "  joining(): void {\n"
    }],
    simulated: "not in it",
    tests: [
      unit(
        sessions,
        "what a member commits counts while it holds the partition, and after a revocation until it joins again"
      )
    ]
  },
  {
    id: "silent-reset",
    mechanism: "an offset that the log does not hold is told, not reset",
    promise: "records that are gone are told, never skipped",
    section: 4,
    edits: [{
      file: "src/layers/kafka/gap.ts",
      find: "if (offset < range.low) return session.deliverGap(plan, partition, range.low)",
      replace:
        "if (offset < range.low) {\n      session.seek(partition, range.low)\n      return session.resume(partition)\n    }"
    }],
    simulated: "not in it",
    tests: [
      real(
        "integration/kafka/gaps",
        "below its start: an empty batch that begins at the start, once, and nothing else until it is sought"
      )
    ]
  },
  {
    id: "gap-once",
    mechanism: "a gap is delivered only where the position has not changed meanwhile",
    promise: "what was asked for before a seek is never delivered behind it",
    section: 4,
    edits: [{ file: groupSession, find: " || this.position(partition) !== position) return", replace: ") return" }],
    simulated: "not in it",
    tests: [unit("layers/kafka/gap", "a gap is not told where the partition was sought meanwhile")]
  },
  {
    id: "timer-loop",
    mechanism: "kafkajs's timer that sets itself again for ever is replaced",
    promise: "an idle connection costs nothing",
    edits: [{
      file: "src/layers/kafka/requestQueue.ts",
      find: "    if (waitMs <= 0 && this.pending.length === 0) return\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [
      unit(
        "layers/kafka/patches",
        "an idle connection sets no timer; one that is throttled, or full, looks again later"
      )
    ]
  },
  {
    id: "coordinator-moved",
    mechanism: "a heartbeat that cannot be sent asks whether the coordinator has moved",
    promise: "a member survives the loss of its coordinator",
    section: 9,
    edits: [{
      file: "src/layers/kafka/brokers.ts",
      find: "if (isConnectionError(error) && await hasMoved",
      replace: "if (isConnectionError(error) && typeOf(error) === \"none\" && await hasMoved"
    }],
    simulated: "not in it",
    tests: [
      unit(
        "layers/kafka/brokers",
        "becomes NOT_COORDINATOR, so that kafkajs joins again, where the group has another coordinator now"
      )
    ]
  },
  {
    id: "member-id-first",
    mechanism: "a member's id is on the disk before the coordinator waits for it",
    promise: "whoever is killed while it joins can be removed by its successor",
    section: 9,
    edits: [{
      file: "src/layers/kafka/brokers.ts",
      find:
        "    await hooks.onMemberId(own.id)\n    try {\n      const response = await joinGroup({ ...request, memberId: own.id })",
      replace:
        "    try {\n      const response = await joinGroup({ ...request, memberId: own.id })\n      await hooks.onMemberId(own.id)"
    }],
    simulated: "not in it",
    tests: [
      unit(
        "layers/kafka/brokers",
        "ends the old generation, and makes the member's id known before the coordinator waits for it"
      )
    ]
  },
  {
    id: "remove-dead",
    mechanism: "LeaveGroup for the members of a process that has died",
    promise: "a restart on the same host takes over at once, not after the session time-out",
    section: 9,
    edits: [{
      file: membership,
      find: "    run(removeDeadMembers(options, join.group, lock, env.ownMemberId))",
      replace: "    run(Effect.asVoid(Effect.succeed([removeDeadMembers])))"
    }],
    simulated: "not in it",
    tests: [
      real(
        "integration/kafka/restarts",
        "a member that was killed is replaced on the same host at once, not after its session of a minute"
      )
    ]
  },
  {
    id: "instance-lock",
    mechanism: "only what a lock proves to be dead is removed",
    promise: "no live member is ever removed by its neighbour",
    section: 9,
    edits: [{
      file: "src/layers/instanceLockFile.ts",
      find: "      yield* tryLock(lockFile(stateDir, other))\n      add",
      replace: "      add"
    }],
    simulated: "not in it",
    tests: [unit("layers/instanceLockFile", "no instance that lives is ever called dead, and no dead member is lost")]
  }
]
