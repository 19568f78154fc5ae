import type * as Effect from "effect/Effect"
import type { Globals } from "./argv.js"
import { printData } from "./report.js"
import { table } from "./table.js"

/** What arrived in a topic. */
export interface TopicTotals {
  readonly topic: string
  readonly partitions: number
  /** Acknowledged. */
  readonly records: number
  /** Keys and values, before compression. */
  readonly bytes: number
  /** Records of sends that failed; some of them may have arrived all the same. */
  readonly errors: number
  /** From the start of the command to the topic's last acknowledgement. */
  readonly elapsedMs: number
}

const right = "right" as const
const columns = [
  { head: "TOPIC" },
  { head: "RECORDS", align: right },
  { head: "PARTITIONS", align: right },
  { head: "BYTES", align: right },
  { head: "SECONDS", align: right },
  { head: "RECORDS/S", align: right },
  { head: "ERRORS", align: right }
]

export const printProduced = (
  output: Globals["output"],
  topics: ReadonlyArray<TopicTotals>,
  totalMs: number
): Effect.Effect<void> =>
  printData(output, {
    table: () => table(columns, topics.map(rowOf)),
    json: () => ({
      seconds: totalMs / 1000,
      topics: topics.map(({ elapsedMs, ...rest }) => ({
        ...rest,
        seconds: elapsedMs / 1000,
        recordsPerSecond: perSecond(rest.records, elapsedMs)
      }))
    })
  })

const rowOf = ({ bytes, elapsedMs, errors, partitions, records, topic }: TopicTotals): ReadonlyArray<string> => [
  topic,
  grouped(records),
  String(partitions),
  grouped(bytes),
  (elapsedMs / 1000).toFixed(1),
  grouped(perSecond(records, elapsedMs)),
  grouped(errors)
]

const perSecond = (records: number, elapsedMs: number): number =>
  elapsedMs === 0 ? records : Math.round(records / elapsedMs * 1000)

/** The same in every locale, unlike toLocaleString: output is read by programs as well. */
const grouped = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",")
