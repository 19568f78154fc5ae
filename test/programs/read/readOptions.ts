import type { ReadOptions } from "../../../src/programs/read/settings.js"

/** Of a `read` without any option. */
export const noOptions: Omit<ReadOptions, "topic"> = {
  commit: undefined,
  members: 1,
  from: undefined,
  startFromLatest: false,
  untilEnd: false,
  max: undefined,
  pollTimeoutMs: undefined,
  processDelayMs: undefined,
  asyncWorkMs: undefined,
  unordered: false,
  capacity: undefined,
  noListener: false,
  metricsEveryMs: undefined,
  format: undefined,
  file: undefined,
  rotateBytes: undefined,
  java: { properties: [], propertyFiles: [], flags: [] }
}
