import type { NewTopic } from "../../layers/Topics.js"

/** What `topics` was asked for. */
export type TopicsRequest =
  | { readonly kind: "list"; readonly internal: boolean }
  | ShowRequest
  | ({ readonly kind: "create" } & NewTopic)
  | AddPartitionsRequest

export interface ShowRequest {
  readonly kind: "show"
  readonly topic: string
  /** Records to show of each partition. */
  readonly last: number
  /** Configuration: defaults too. */
  readonly all: boolean
}

export interface AddPartitionsRequest {
  readonly kind: "add-partitions"
  readonly topic: string
  readonly to: number
}
