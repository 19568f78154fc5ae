/** One thing that is wrong with the configuration. Holds no secret: values are made fit for display before. */
export interface ConfigProblem {
  readonly code: "TRB-1001" | "TRB-1002" | "TRB-1003" | "TRB-1004" | "TRB-1005" | "TRB-1006"
  readonly key: string
  /** Undefined where there is none, or where showing it could show a secret. */
  readonly value: string | undefined
  /** `file:line`, the name of an environment variable, or a flag. */
  readonly source: string | undefined
  readonly what: string
  readonly expected: string
}

/** `TRB-1003 batch.max.rows=abc (consumer.properties:7): not understood; expected a whole number from 1 to 100000` */
export const renderProblem = (problem: ConfigProblem): string => {
  const subject = problem.value === undefined ? problem.key : `${problem.key}=${problem.value}`
  const source = problem.source === undefined ? "" : ` (${problem.source})`
  return `${problem.code} ${subject}${source}: ${problem.what}; ${problem.expected}`
}
