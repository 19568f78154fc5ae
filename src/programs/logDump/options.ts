/** What `log dump` was asked for. */
export interface LogDumpOptions {
  /** Segment files; as long as there are no logs, no server is asked. */
  readonly files: ReadonlyArray<string>
  /** Undefined partition: all of the topic's. */
  readonly logs: ReadonlyArray<{ readonly topic: string; readonly partition: number | undefined }>
  readonly from: bigint
  readonly to: bigint | undefined
  readonly batchesOnly: boolean
  readonly controlOnly: boolean
}

/** `FILE.log` (or any path) or `TOPIC[:PARTITION]`, as it stands on the command line. */
export const sourceOf = (
  argument: string
): { readonly file: string } | { readonly topic: string; readonly partition: number | undefined } => {
  if (argument.endsWith(".log") || argument.includes("/")) return { file: argument }
  const [, topic, partition] = /^(.*):(\d{1,9})$/.exec(argument) ?? []
  return topic === undefined ? { topic: argument, partition: undefined } : { topic, partition: Number(partition) }
}
