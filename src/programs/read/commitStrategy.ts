/** When a member commits, in the Java client's ways; `behaviours` says what each of them means. */
export type CommitStrategy = "auto" | "sync" | "sync-each" | "sync-offset" | "async" | "async+sync" | "none"

export interface CommitBehaviour {
  /** At the beginning of a poll, when the interval is over: the positions that the poll before has left. Does not wait. */
  readonly everyInterval: boolean
  /**
   * After each record. `positions`: what a commit without arguments commits, the end of the whole poll; `record`: the
   * record's offset + 1. Waits. Such a strategy also has its records processed one at a time.
   */
  readonly afterRecord: "positions" | "record" | undefined
  /** After each poll. `send` neither waits nor tries again. */
  readonly afterPoll: "wait" | "send" | undefined
  /** When the member stops in order. Waits. */
  readonly onClose: boolean
  /** Before partitions are given back, also without a rebalance listener. Waits. */
  readonly onRevoked: boolean
}

const never: CommitBehaviour = {
  everyInterval: false,
  afterRecord: undefined,
  afterPoll: undefined,
  onClose: false,
  onRevoked: false
}

export const behaviours: Readonly<Record<CommitStrategy, CommitBehaviour>> = {
  auto: { ...never, everyInterval: true, onClose: true, onRevoked: true },
  sync: { ...never, afterPoll: "wait", onClose: true },
  "sync-each": { ...never, afterRecord: "positions", onClose: true },
  "sync-offset": { ...never, afterRecord: "record", onClose: true },
  async: { ...never, afterPoll: "send" },
  "async+sync": { ...never, afterPoll: "send", onClose: true },
  none: never
}
