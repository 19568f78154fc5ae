/** A column as the server's catalog describes it. */
export interface CatalogColumn {
  readonly name: string
  /** `varchar`, `int`, … */
  readonly dataType: string
  /** With length and sign: `varchar(249)`, `smallint unsigned`. */
  readonly columnType: string
  readonly nullable: boolean
  readonly hasDefault: boolean
  /** As the catalog prints it: a literal without its quotes or, where `extra` says so, an expression. */
  readonly defaultText: string | null
  readonly comment: string
  readonly collation: string | null
  /** Characters or bytes. */
  readonly lengthMax: number | null
  readonly precision: number | null
  readonly scale: number | null
  readonly fractionDigits: number | null
  /** `auto_increment`, `invisible`, `stored generated`, `default_generated`, … in lower case. */
  readonly extra: string
}

export interface UniqueIndex {
  /** `PRIMARY` for the primary key. */
  readonly name: string
  readonly columns: ReadonlyArray<string>
  /** False where a part of it is an expression, or the beginning of a column only. */
  readonly whole: boolean
}

export interface CatalogTable {
  /** `BASE TABLE`, `VIEW`. */
  readonly type: string
  readonly engine: string | null
  /** What text columns get that say none of their own. */
  readonly collation: string | null
  /** Of a view: whether rows can be written through it. */
  readonly updatable: boolean
  /** An estimate, for InnoDB. */
  readonly rows: number
  /** Data and indexes. */
  readonly bytes: number
  readonly columns: ReadonlyArray<CatalogColumn>
  /** In the order of the index. */
  readonly primaryKey: ReadonlyArray<string>
  readonly uniqueIndexes: ReadonlyArray<UniqueIndex>
  /** `BEFORE INSERT audit`, … */
  readonly triggers: ReadonlyArray<string>
  /** `FOREIGN KEY orders_ibfk_1`, `CHECK orders_chk_1`. */
  readonly constraints: ReadonlyArray<string>
}

/** Column names compare without case, whatever the table's own name does. */
export const columnNamed = (table: CatalogTable, name: string): CatalogColumn | undefined =>
  table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())

/** `utf8mb4` of `utf8mb4_0900_ai_ci`; "" where the column holds no text. */
export const charsetOf = ({ collation }: { readonly collation: string | null }): string =>
  collation?.split("_")[0] ?? ""
