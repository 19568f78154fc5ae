/** Whether an experiment runs on real brokers, and how. */
export interface OnBrokers {
  readonly real: boolean
  /** Its times are multiplied by it. */
  readonly scale: number | undefined
  /** Of *offset-loss*: the last number. Undefined: what suits the scale. */
  readonly numbers: number | undefined
}

/** The original times last a day. */
export const scaleDefault = 0.01
