/** What one record does to one table. */
export interface Insert {
  readonly _tag: "Insert"
  /** Everything before the first row: the same text means that rows may share a statement. */
  readonly head: string
  /** The row, with its brackets. */
  readonly row: string
}
export type Change = Insert

/** Collects the changes of one transaction, in the order of the records. */
export interface ChangeBatch {
  readonly add: (change: Change) => void
  /** The statements so far, none longer than the limit but one of a single row; the batch is empty again. */
  readonly take: () => ReadonlyArray<string>
}

/**
 * `maxStatementBytes` is UTF-8 bytes: the server's limit (max_allowed_packet) counts those. A single row beyond it
 * becomes a statement of its own, so that the server's refusal names the record it is about.
 */
export const makeChangeBatch = (maxStatementBytes: number): ChangeBatch => {
  let statements: Array<string> = []
  let head = ""
  let rows: Array<string> = []
  let bytes = 0
  const close = (): void => {
    if (rows.length > 0) statements.push(head + rows.join(","))
    rows = []
  }
  return {
    add: ({ head: nextHead, row }) => {
      const rowBytes = Buffer.byteLength(row)
      if (rows.length > 0 && nextHead === head && bytes + 1 + rowBytes <= maxStatementBytes) {
        rows.push(row)
        bytes += 1 + rowBytes
        return
      }
      close()
      head = nextHead
      rows.push(row)
      bytes = Buffer.byteLength(nextHead) + rowBytes
    },
    take: () => {
      close()
      const taken = statements
      statements = []
      return taken
    }
  }
}
