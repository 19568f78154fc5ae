/** What databases, and JSON, spell differently. Which values are refused does not differ: the checks are before these. */
export interface Spelling {
  /** Around what needs no escaping: digits, times, UUIDs. */
  readonly quote: "'" | "\""
  readonly boolean: (value: boolean) => string
  /** Of any well-formed text. */
  readonly text: (text: string) => string
  readonly bytes: (bytes: Uint8Array) => string
  /** Of any finite number. */
  readonly double: (value: number) => string
  /** Of exact decimal digits with an optional sign and point. */
  readonly decimal: (digits: string) => string
}
