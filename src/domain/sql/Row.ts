/** What the rows of one encoder have in common. */
export interface RowShape {
  readonly table: string
  /** Names of the columns that a row gives a value for. The key comes first, the columns of the row's origin last. */
  readonly columns: ReadonlyArray<string>
  /** How many of the first columns are the key by which a row is found again; 0: rows are appended. */
  readonly keyLength: number
}

/** Literals, one for each column of the shape. */
export interface Row {
  readonly shape: RowShape
  readonly cells: ReadonlyArray<string>
}

/** Names of columns have no case, in every database: what is the same when folded is the same column. */
export const foldedName = (name: string): string => name.toLowerCase()
