import { assert, describe, it } from "@effect/vitest"
import { type GroupError, MemoryGroup, type Partitions } from "../../../src/layers/memory/MemoryGroup.js"

const sessionMs = 10_000
const rebalanceMs = 6_000

/** A coordinator with a clock that is moved by hand. */
const makeWorld = () => {
  let nowMs = 0
  let timers: Array<{ readonly atMs: number; readonly act: () => void }> = []
  const counts = { rebalances: 0, sessionsExpired: 0, joinsMissed: 0, syncsMissed: 0 }
  const broker = { isUp: true }
  const group = new MemoryGroup(
    { sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: rebalanceMs, rebalanceDelayMs: 0 },
    {
      nowMs: () => nowMs,
      run: () => assert.fail("a coordinator runs nothing"),
      after: (ms, act) => {
        const timer = { atMs: nowMs + ms, act }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      }
    },
    counts,
    () => broker.isUp
  )
  const members: Array<Member> = []
  const begin = (): Member => {
    const member = makeMember(group)
    members.push(member)
    return member
  }
  /** Members that run send a heartbeat each second, and do what it says. */
  const pass = (ms: number) => {
    for (const end = nowMs + ms; nowMs < end;) {
      nowMs += 1000
      const due = timers.filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs)
      timers = timers.filter(({ atMs }) => atMs > nowMs)
      for (const { act } of due) act()
      if (broker.isUp) { for (const member of members) member.turn() }
    }
  }
  return { group, begin, pass, counts, broker }
}

/** Where a member stops: its process stands still, but what the coordinator answers has arrived. */
type Step = "before JoinGroup" | "before SyncGroup" | "after SyncGroup"

interface Member {
  id: string
  generation: number
  held: Partitions | undefined
  stopsAt: Step | undefined
  stopped: boolean
  /** It sends heartbeats though it does nothing else. */
  beats: boolean
  readonly heard: Array<string>
  readonly join: () => void
  readonly turn: () => void
}

const makeMember = (group: MemoryGroup): Member => {
  const self: Member = {
    id: group.newMember(),
    generation: 0,
    held: undefined,
    stopsAt: undefined,
    stopped: false,
    beats: false,
    heard: [],
    join: () => {
      if (stops("before JoinGroup")) return
      self.held = undefined
      group.join(self.id, (joined) => {
        if (typeof joined === "string") return refused(joined)
        self.generation = joined.generation
        if (stops("before SyncGroup")) return
        sync(joined.members)
      })
    },
    turn: () => {
      if (self.stopped && !self.beats) return
      if (self.held === undefined && !self.beats) return
      const answer = group.heartbeat(self.id, self.generation)
      if (answer !== "accepted") refused(answer)
    }
  }
  const stops = (step: Step) => {
    self.stopped ||= self.stopsAt === step
    return self.stopped
  }
  const sync = (members: ReadonlyArray<string>) => {
    const plan = new Map(
      members.map((id, index) => [id, [0, 1, 2, 3].filter((partition) => partition % members.length === index)])
    )
    group.sync(self.id, self.generation, plan, (answer) => {
      if (typeof answer === "string") return refused(answer)
      self.held = answer
      stops("after SyncGroup")
    })
  }
  const refused = (error: GroupError) => {
    self.heard.push(error)
    if (self.stopped) return
    if (error === "unknown member") {
      self.held = undefined
      self.id = group.newMember()
    }
    self.join()
  }
  return self
}

describe("a coordinator with two members of which one stands still", () => {
  const steps: ReadonlyArray<Step> = ["before JoinGroup", "before SyncGroup", "after SyncGroup"]
  for (const role of ["leader", "follower"] as const) {
    for (const step of steps) {
      for (const beats of [false, true]) {
        const never = step === "after SyncGroup" && beats
        const end = never ? "nothing happens while it sends heartbeats" : "the other one has everything"
        it(`the ${role} ${step}, ${beats ? "though its heartbeats go on" : "without heartbeats"}: ${end}`, () => {
          const { begin, counts, group, pass } = makeWorld()
          const [first, second] = [begin(), begin()]
          const [frozen, other] = role === "leader" ? [first, second] : [second, first]
          first.join()
          second.join()
          assert.deepStrictEqual([first.held, second.held], [[0, 2], [1, 3]])
          frozen.stopsAt = step
          frozen.beats = beats
          group.rebalance()
          pass(sessionMs + rebalanceMs + 3000)
          if (never) return assert.deepStrictEqual([first.held, second.held], [[0, 2], [1, 3]])
          assert.deepStrictEqual(other.held, [0, 1, 2, 3])
          assert.deepStrictEqual([...group.assigned.keys()], [other.id])
          assert.isFalse(group.mayCommit(frozen.id, frozen.generation))
          assert.strictEqual(group.heartbeat(frozen.id, frozen.generation), "unknown member")
          assert.strictEqual(counts.sessionsExpired + counts.joinsMissed + counts.syncsMissed, 1)
          // Thawed: it learns it, and comes back as another member.
          frozen.stopped = false
          frozen.stopsAt = undefined
          frozen.beats = true
          pass(5000)
          assert.sameMembers([...first.held ?? [], ...second.held ?? []], [0, 1, 2, 3])
        })
      }
    }
  }
})

const two = () => {
  const world = makeWorld()
  const [first, second] = [world.begin(), world.begin()]
  first.join()
  second.join()
  return { ...world, first, second }
}

describe("a coordinator", () => {
  it("answers a follower that joins again with what it has: no rebalance; a leader begins one", () => {
    const { counts, first, pass, second } = two()
    const before = counts.rebalances
    second.join()
    assert.deepStrictEqual([counts.rebalances, second.held, second.generation], [before, [1, 3], first.generation])
    first.join()
    assert.strictEqual(counts.rebalances, before + 1)
    pass(2000)
    assert.deepStrictEqual([first.held, second.held], [[0, 2], [1, 3]])
  })

  it("knows generations: an older one is told so, and commits nothing", () => {
    const { first, group, pass } = two()
    const old = first.generation
    group.rebalance()
    assert.isTrue(group.mayCommit(first.id, old), "while the rebalance begins what it commits still counts")
    pass(2000)
    assert.strictEqual(group.heartbeat(first.id, old), "illegal generation")
    assert.isFalse(group.mayCommit(first.id, old))
  })

  it("ends no session while it is away, and begins all of them anew when it is back", () => {
    const { broker, counts, first, group, pass, second } = two()
    broker.isUp = false
    group.disconnect()
    pass(60_000)
    broker.isUp = true
    group.renewSessions()
    pass(30_000)
    assert.deepStrictEqual([first.held, second.held, counts.sessionsExpired], [[0, 2], [1, 3], 0])
  })

  it("a member that leaves between JoinGroup and SyncGroup makes those who wait for its plan join again", () => {
    const { first, group, pass, second } = two()
    first.stopsAt = "before SyncGroup"
    group.rebalance()
    pass(2000)
    assert.isUndefined(second.held)
    group.remove(first.id)
    assert.deepStrictEqual([second.held, second.heard.at(-1)], [[0, 1, 2, 3], "rebalancing"])
  })
})
