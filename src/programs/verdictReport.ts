import type * as Effect from "effect/Effect"
import { overall, type PartitionVerdict } from "../domain/verification.js"
import type { Globals } from "./argv.js"
import { printData } from "./report.js"
import { table } from "./table.js"

const right = "right" as const
const columns = [
  { head: "TOPIC" },
  { head: "PART", align: right },
  { head: "LOW", align: right },
  { head: "STABLE", align: right },
  { head: "END", align: right },
  { head: "STORED", align: right },
  { head: "LAG", align: right },
  { head: "ROWS", align: right },
  { head: "DLQ", align: right },
  { head: "MISSING", align: right },
  { head: "EXTRA", align: right },
  { head: "REPEATED", align: right },
  { head: "BEYOND", align: right },
  { head: "RESULT" }
]

/** One line a partition, then what a person has to know beside the numbers, then one line for all of it. */
export const printVerdicts = (
  output: Globals["output"],
  verdicts: ReadonlyArray<PartitionVerdict>
): Effect.Effect<void> =>
  printData(output, {
    table: () => [table(columns, verdicts.map(rowOf)), ...verdicts.flatMap(notesOf), summaryOf(verdicts)].join("\n"),
    json: () => ({ result: overall(verdicts), partitions: verdicts.map(jsonOf) })
  })

const rowOf = (verdict: PartitionVerdict): ReadonlyArray<string> => {
  const { log, rows, stored } = verdict
  // Where only offsets were compared a zero would say more than is known.
  const counted = (value: bigint) => rows === undefined ? "-" : String(value)
  return [
    verdict.topic,
    String(log.partition),
    String(log.low),
    String(log.lastStable),
    String(log.end),
    stored === undefined ? "-" : String(stored),
    String(verdict.lag),
    rows === undefined ? "-" : String(rows),
    counted(verdict.letters),
    counted(verdict.missing),
    counted(verdict.extra),
    counted(verdict.repeated),
    counted(verdict.beyond),
    verdict.result
  ]
}

const notesOf = ({ log, notes, topic }: PartitionVerdict): ReadonlyArray<string> =>
  notes.map((note) => `${topic}-${log.partition}: ${note}`)

const summaryOf = (verdicts: ReadonlyArray<PartitionVerdict>): string => {
  const sum = (pick: (verdict: PartitionVerdict) => bigint | undefined) =>
    verdicts.reduce((total, verdict) => total + (pick(verdict) ?? 0n), 0n)
  return `partitions ${verdicts.length}   rows ${sum((_) => _.rows)}   dlq ${sum((_) => _.letters)}   ` +
    `tombstones ${sum((_) => _.tombstones)}   lag ${sum((_) => _.lag)}   ` +
    `missing ${sum((_) => _.missing)}   extra ${sum((_) => _.extra)}   repeated ${sum((_) => _.repeated)}   beyond ${
      sum((_) => _.beyond)
    }   ` +
    `RESULT: ${overall(verdicts)}`
}

const jsonOf = ({ log, ...verdict }: PartitionVerdict) => ({
  topic: verdict.topic,
  partition: log.partition,
  low: log.low,
  lastStable: log.lastStable,
  end: log.end,
  stored: verdict.stored ?? null,
  lag: verdict.lag,
  rows: verdict.rows ?? null,
  deadLetters: verdict.rows === undefined ? null : verdict.letters,
  tombstones: verdict.rows === undefined ? null : verdict.tombstones,
  missing: verdict.rows === undefined ? null : verdict.missing,
  extra: verdict.rows === undefined ? null : verdict.extra,
  repeated: verdict.rows === undefined ? null : verdict.repeated,
  beyond: verdict.rows === undefined ? null : verdict.beyond,
  result: verdict.result,
  notes: verdict.notes
})
