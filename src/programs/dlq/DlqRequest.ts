/** A point in time, or so long ago. */
export type When = { readonly at: number } | { readonly agoMs: number }

/** Which letters somebody means. What is empty or undefined does not restrict. */
export interface Choice {
  readonly ids: ReadonlyArray<bigint>
  readonly topics: ReadonlyArray<string>
  readonly code: number | undefined
  readonly since: { readonly text: string; readonly when: When } | undefined
  readonly until: { readonly text: string; readonly when: When } | undefined
}

export interface ReplayOptions {
  readonly choice: Choice
  /** Every open letter, where nothing else is chosen. */
  readonly all: boolean
  readonly execute: boolean
  /** Letters per second, at most. */
  readonly rate: number | undefined
}

export interface DiscardOptions {
  readonly choice: Choice
  readonly all: boolean
  /** Those that have been replayed, instead of the open ones. */
  readonly replayed: boolean
  readonly execute: boolean
  readonly reason: string | undefined
}

export type DlqRequest =
  /** `all`: replayed ones too. */
  | { readonly kind: "list"; readonly choice: Choice; readonly all: boolean; readonly limit: number }
  | { readonly kind: "show"; readonly id: bigint; readonly showPayload: boolean }
  | { readonly kind: "replay"; readonly options: ReplayOptions }
  | { readonly kind: "discard"; readonly options: DiscardOptions }
  /** `after`: only letters with higher ids, to go on where an export has ended. */
  | { readonly kind: "export"; readonly choice: Choice; readonly all: boolean; readonly after: bigint }

export const chosenNothing = ({ code, ids, since, topics, until }: Choice): boolean =>
  ids.length === 0 && topics.length === 0 && code === undefined && since === undefined && until === undefined

/** The choice as one types it again. */
export const choiceText = ({ code, ids, since, topics, until }: Choice): string =>
  [
    ...ids.map((id) => ` --id ${id}`),
    ...topics.map((topic) => ` --topic ${topic}`),
    ...(code === undefined ? [] : [` --errno ${code}`]),
    ...(since === undefined ? [] : [` --since ${since.text}`]),
    ...(until === undefined ? [] : [` --until ${until.text}`])
  ].join("")
