/** What a text that is sent does, told by its main statement. */
export type Request =
  | "connect"
  /** The upsert of `kafka_offsets` that claims a partition. */
  | "acquire"
  /** The compare-and-set that opens a data transaction. */
  | "move"
  | "rows"
  | "letters"
  | "commit"
  | "rollback"
  /** SELECT … FOR UPDATE of `resolve`. */
  | "look"
  /** The search for a dead owner's connection. */
  | "owner"
  | "kill"
  | "other"

/** What becomes of one request and its answer. */
export type Fate =
  | { readonly kind: "none" }
  /** The server takes this long, before or after it has done it; its locks are held meanwhile. */
  | { readonly kind: "slow"; readonly ms: number; readonly when: "before" | "after" }
  /** The server answers with this error; `executed`: although it has done it, as a proxy or a cluster may. */
  | { readonly kind: "error"; readonly code: number; readonly executed?: boolean }
  /**
   * The connection breaks and the client knows. `executed`: the server has got the request and does it, at once or after
   * this time, and only then finds that nobody listens.
   */
  | { readonly kind: "lost"; readonly executed: boolean; readonly afterMs?: number }
  /**
   * No RST, no FIN: the client waits until its own deadline, and the server does not hear that it has gone.
   * `executed` as above; with `afterMs` the network comes back then, and delivers what the client has sent since.
   */
  | { readonly kind: "silence"; readonly executed: boolean; readonly afterMs?: number }

/** Who asks for what. */
export interface Asked {
  readonly process: string
  readonly connection: number
  readonly request: Request
  /** "" for `connect`. */
  readonly text: string
}

export const none: Fate = { kind: "none" }

/** What the server thinks of a row that is to be written: a value that no column takes, or takes only rounded. */
export type RowRule = (
  row: { readonly table: string; readonly partition: number; readonly offset: bigint; readonly content: string }
) => { readonly kind: "error" | "warning"; readonly code: number } | undefined

/** The scenario's part: asked for every request. */
export interface Faults {
  readonly next: (asked: Asked) => Fate
  /** How long a request travels. */
  readonly latencyMs: () => number
  readonly rowRule?: RowRule
}

export const noFaults: Faults = { next: () => none, latencyMs: () => 0 }
