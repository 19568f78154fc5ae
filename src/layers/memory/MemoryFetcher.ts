import * as Effect from "effect/Effect"
import type { FetchedBatch } from "../../domain/KafkaRecord.js"
import type { JoinOptions } from "../Consumer.js"
import { meet } from "./Fate.js"
import type { FetchRequest, MemoryCluster } from "./MemoryCluster.js"
import type { LogPiece } from "./MemoryLog.js"

/** What a member has of one assignment; replaced as a whole by the next one. */
export interface Held {
  /** Counts this member's assignments: two of one generation of the group are two here. */
  readonly generation: number
  readonly groupGeneration: number
  readonly partitions: ReadonlySet<number>
  /** Next offset to fetch, of the partitions that have been sought. */
  readonly positions: Map<number, bigint>
  readonly fetching: Set<number>
  /** Of which an answer is awaited. */
  readonly asked: Set<number>
  /** The leaders as the client knows them. */
  readonly leaders: ReadonlyMap<number, number>
  /** Whose leader is away. */
  readonly stalled: Set<number>
}

/**
 * The client's side of fetching: as the real one it keeps positions of its own, and drops an answer that comes after a
 * seek, a pause or another assignment.
 */
export class MemoryFetcher {
  held: Held | undefined
  readonly more = Effect.unsafeMakeLatch(false)
  /** Why this member has to join again. */
  isStale = false
  private readonly cluster: MemoryCluster
  private readonly options: JoinOptions
  private readonly member: number
  private readonly run: (effect: Effect.Effect<void>) => void
  /** What was handed over last, of each partition, whatever became of it. */
  private readonly last = new Map<number, FetchedBatch>()

  constructor(
    cluster: MemoryCluster,
    options: JoinOptions,
    member: number,
    run: (effect: Effect.Effect<void>) => void
  ) {
    this.cluster = cluster
    this.options = options
    this.member = member
    this.run = run
  }

  /** Hands over what the logs have, a fetch of each partition after the other, and waits for more. */
  readonly live: Effect.Effect<never> = Effect.gen(this, function*() {
    for (;;) {
      this.more.unsafeClose()
      const delivered = [...this.held?.fetching ?? []].map((partition) => this.fetch(partition))
      if (delivered.includes(true)) {
        yield* Effect.yieldNow()
        continue
      }
      yield* this.more.await
      yield* Effect.sleep(this.cluster.options.pollIntervalMs)
    }
  })

  /** One fetch of one partition; false when there is nothing to hand over yet. */
  private fetch(partition: number): boolean {
    const { cluster, held, options: { isolation = "read_committed", topic } } = this
    const position = held?.positions.get(partition)
    if (held === undefined || position === undefined) return false
    if (this.isStale || !held.fetching.has(partition) || held.asked.has(partition)) return false
    const leader = cluster.brokers.leaderOf(topic, partition)
    if (leader !== held.leaders.get(partition) || !cluster.topics.has(topic)) {
      this.isStale = true
      return false
    }
    if (!cluster.brokers.isUp(leader)) {
      if (!held.stalled.has(partition)) cluster.counts.stalls += 1
      held.stalled.add(partition)
      return false
    }
    held.stalled.delete(partition)
    const read = () => cluster.log(topic, partition).read(position, cluster.options.fetchRecords, isolation)
    const request = { topic, partition, position, member: this.member }
    const fate = cluster.fetchFate(request)
    if (fate.answered && fate.doneAfterMs === 0 && fate.toldAfterMs === 0) return this.answered(held, request, read())
    held.asked.add(partition)
    this.run(
      meet(cluster.time, fate, Effect.sync(read), () => "no answer" as const).pipe(
        Effect.match({
          onFailure: () => void (cluster.counts.unanswered += 1),
          onSuccess: (piece) => void this.answered(held, request, piece)
        }),
        Effect.ensuring(Effect.sync(() => {
          held.asked.delete(partition)
          this.more.unsafeOpen()
        }))
      )
    )
    return false
  }

  /** What comes back of a request is worth something only where the partition still stands where it was asked for. */
  private answered(held: Held, request: FetchRequest, piece: LogPiece | undefined): boolean {
    const { partition, position } = request
    if (piece === undefined) return false
    if (this.held !== held || !held.fetching.has(partition) || held.positions.get(partition) !== position) {
      this.cluster.counts.staleDropped += 1
      return false
    }
    const batch = { ...piece, topic: this.options.topic, partition, generation: held.generation }
    if (piece.fetchedOffset === position) return this.deliver(held, request, batch)
    this.cluster.counts.outOfRange += 1
    held.fetching.delete(partition)
    this.options.onBatch(batch)
    return true
  }

  private deliver(held: Held, request: FetchRequest, batch: FetchedBatch): boolean {
    const { counts, slip } = this.cluster
    const slipped = slip(request)
    const before = this.last.get(batch.partition)
    if (slipped === "stale" && before !== undefined) {
      counts.stale += 1
      // What a runner of another generation says of it is none of this one's business.
      if (!this.hand(held, before) && before.generation === held.generation) return true
    }
    held.positions.set(batch.partition, batch.nextOffset)
    if (slipped === "skip") {
      counts.skip += 1
      return true
    }
    if (this.hand(held, batch) && slipped === "repeat") {
      counts.repeat += 1
      this.hand(held, batch)
    }
    return true
  }

  /** False where the partition is paused then. Behind what cannot be read there is nothing to fetch. */
  private hand(held: Held, batch: FetchedBatch): boolean {
    this.last.set(batch.partition, batch)
    const goesOn = this.options.onBatch(batch) === "fetch" && batch.unreadable === undefined
    if (!goesOn && batch.generation === held.generation) held.fetching.delete(batch.partition)
    return goesOn
  }
}
