/** What `plan` and `apply` look at, and what they may do beyond the configuration. */
export interface PlanOptions {
  /** None: all of the configuration's. */
  readonly topics: ReadonlyArray<string>
  /** A file with a schema, instead of the registry's. */
  readonly schemaFile: string | undefined
  /** Instead of the newest. */
  readonly version: number | undefined
  /** Instead of TOPIC-value, for topics with several record types. */
  readonly subject: string | undefined
  readonly allowWiden: boolean
  readonly allowCopy: boolean
}

/** The options as one types them again. */
export const optionsText = (options: PlanOptions): string =>
  [
    ...options.topics.map((topic) => ` --topic ${topic}`),
    ...(options.schemaFile === undefined ? [] : [` --schema ${options.schemaFile}`]),
    ...(options.version === undefined ? [] : [` --schema-version ${options.version}`]),
    ...(options.subject === undefined ? [] : [` --subject ${options.subject}`]),
    ...(options.allowWiden ? [" --allow-widen"] : []),
    ...(options.allowCopy ? [" --allow-copy"] : [])
  ].join("")
