/** What has to hear of a change. */
interface Followers {
  /** Those who wait at a log may go on, or have to ask another broker. */
  readonly changed: () => void
  /** The coordinator of these groups has gone away: requests that wait there have no answer. `back`: there is one again. */
  readonly coordinator: (is: "away" | "back", coordinates: (group: string) => boolean) => void
}

/**
 * Which brokers run, who leads which partition, and who coordinates which group. Replicas have everything: what a broker
 * kept is there when it is back, or where it moves to. A broker that is stopped leads on until somebody moves that:
 *
 * - a partition without a leader that runs is not fetched, and goes on later
 * - members that fetch from a leader that has changed join again, as the real client does
 * - a group without a coordinator that runs ends no sessions; those that have lasted begin anew when it is back
 */
export class MemoryBrokers {
  readonly count: number
  private readonly stopped = new Set<number>()
  private readonly leaders = new Map<string, number>()
  private readonly coordinators = new Map<string, number>()
  private readonly followers: Followers

  constructor(count: number, followers: Followers) {
    this.count = count
    this.followers = followers
  }

  isUp(broker: number): boolean {
    return !this.stopped.has(broker)
  }

  get anyUp(): boolean {
    return this.stopped.size < this.count
  }

  stop(broker: number): void {
    if (broker >= this.count || this.stopped.has(broker)) return
    this.stopped.add(broker)
    this.followers.coordinator("away", (group) => this.coordinatorOf(group) === broker)
  }

  start(broker: number): void {
    if (!this.stopped.delete(broker)) return
    this.followers.coordinator("back", (group) => this.coordinatorOf(group) === broker)
    this.followers.changed()
  }

  stopAll(): void {
    for (let broker = 0; broker < this.count; broker++) this.stop(broker)
  }

  startAll(): void {
    for (const broker of this.stopped) this.start(broker)
  }

  leaderOf(topic: string, partition: number): number {
    return this.leaders.get(`${topic}-${partition}`) ?? partition % this.count
  }

  moveLeader(topic: string, partition: number, to: number): void {
    this.leaders.set(`${topic}-${partition}`, to)
    this.followers.changed()
  }

  coordinatorOf(group: string): number {
    return this.coordinators.get(group) ?? 0
  }

  /** Requests that wait at the old one are not answered; the new one knows the members and begins their sessions anew. */
  moveCoordinator(group: string, to: number): void {
    if (this.coordinatorOf(group) === to) return
    this.followers.coordinator("away", (each) => each === group)
    this.coordinators.set(group, to)
    if (this.isUp(to)) this.followers.coordinator("back", (each) => each === group)
  }
}
