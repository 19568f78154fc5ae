import type { ClientConfig } from "../../domain/Config.js"
import type { Isolation } from "../../layers/Consumer.js"
import { CommandError, ExitCode } from "../exitCodes.js"

/** What the command line asks for. Times in milliseconds. */
export interface TransformOptions {
  readonly input: string
  readonly output: string
  /** `event`, `identity`, or the path of a module. */
  readonly map: string
  readonly poison: "stop" | "skip"
  readonly deadLetterTopic: string | undefined
  readonly group: string | undefined
  /** Prefix of the transactional ids. */
  readonly transactionalId: string | undefined
  readonly commitIntervalMs: number
  /** Most input records in a transaction; 0: as many as come within the interval. */
  readonly commitRecords: number
  readonly transactionTimeoutMs: number
  readonly isolation: Isolation
  /** Where a partition begins for which the group has committed nothing. */
  readonly from: "earliest" | "latest" | "none"
  /** Stop when the ends that the input has at the start are committed. */
  readonly untilEnd: boolean
}

/** What all parts of a transformation are told. */
export interface TransformSettings {
  readonly config: ClientConfig
  readonly options: TransformOptions
  readonly group: string
  readonly transactionalIdPrefix: string
  /** Undefined: poison stops its partition. */
  readonly deadLetterTopic: string | undefined
}

export const settingsOf = (config: ClientConfig, options: TransformOptions): TransformSettings => {
  const group = options.group ?? `transform-${options.input}-${options.output}`
  return {
    config,
    options,
    group,
    // From the group: two groups with the same ids would fence each other for ever.
    transactionalIdPrefix: options.transactionalId ?? group,
    deadLetterTopic: options.poison === "stop" ? undefined : options.deadLetterTopic ?? `${options.output}-dead-letters`
  }
}

/** One per input partition: whoever opens it ends what an earlier owner of the partition has left open. */
export const transactionalIdOf = (settings: TransformSettings, partition: number): string =>
  `${settings.transactionalIdPrefix}-${settings.options.input}-${partition}`

const refuse = (what: string, why: string, cure: string): CommandError =>
  new CommandError({ code: "TRB-2602", exit: ExitCode.usage, what, why, cure })

/** What can be seen to be wrong before any broker is asked. */
export const contradiction = (settings: TransformSettings): CommandError | undefined => {
  const { deadLetterTopic, options } = settings
  const { commitIntervalMs, input, output, transactionTimeoutMs } = options
  if (input === output) {
    return refuse(
      `${input} is input and output`,
      "it would transform its own output again, for ever",
      "name another output topic"
    )
  }
  if (deadLetterTopic === input || deadLetterTopic === output) {
    return refuse(
      `dead letters would go to ${deadLetterTopic}, which is the ${deadLetterTopic === input ? "input" : "output"}`,
      "there nobody could tell them from other records",
      "name another topic with --dead-letter-topic"
    )
  }
  if (options.deadLetterTopic !== undefined && options.poison === "stop") {
    return refuse(
      "--dead-letter-topic goes with --poison skip only",
      "without it a record that cannot be mapped stops its partition, and there are no dead letters",
      "add --poison skip, or leave it out"
    )
  }
  if (transactionTimeoutMs <= commitIntervalMs) {
    return refuse(
      `--transaction-timeout ${transactionTimeoutMs} ms does not exceed --commit-interval ${commitIntervalMs} ms`,
      "the broker would abort each transaction before it is committed",
      "raise the one (below the broker's transaction.max.timeout.ms) or lower the other"
    )
  }
  return undefined
}
