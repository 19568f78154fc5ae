import { type LagState, worstState } from "../../domain/lagState.js"
import { table } from "../table.js"
import type { TimedGroup, TimedPartition } from "./times.js"

/** `lag`: a sample; `window`: with the trend over a window; `status`: our own pipeline, with both of its offsets. */
export type LagView = "lag" | "window" | "status"

interface Column {
  readonly head: string
  readonly align?: "right"
  readonly views?: ReadonlyArray<LagView>
  readonly cell: (partition: TimedPartition, group: TimedGroup) => string
}

const right = "right" as const
const unknown = "-"

const columns: ReadonlyArray<Column> = [
  { head: "GROUP", views: ["lag", "window"], cell: (_, { group }) => group },
  { head: "TOPIC", cell: ({ topic }) => topic },
  { head: "PART", align: right, cell: ({ partition }) => String(partition) },
  { head: "STATE", views: ["status"], cell: (partition) => stateText(partition) },
  { head: "COMMITTED", align: right, cell: ({ committed }) => offsetText(committed) },
  { head: "IN-KAFKA", align: right, views: ["status"], cell: ({ kafkaCommitted }) => offsetText(kafkaCommitted) },
  { head: "END", align: right, cell: ({ end }) => offsetText(end) },
  { head: "LAG", align: right, cell: ({ lag }) => offsetText(lag) },
  { head: "TREND", align: right, views: ["window"], cell: ({ samples, trend }) => trendText(trend, samples) },
  { head: "TIME-LAG", align: right, cell: ({ lagMs }) => durationText(lagMs) },
  { head: "LAST-COMMIT", align: right, views: ["status"], cell: ({ commitAgeMs }) => durationText(commitAgeMs) },
  { head: "OWNER", cell: ({ owner }) => owner ?? unknown },
  { head: "STATE", views: ["lag", "window"], cell: (partition) => stateText(partition) }
]

/** One line a partition, then one line a group. */
export const lagText = (view: LagView, groups: ReadonlyArray<TimedGroup>): string => {
  const shown = columns.filter(({ views }) => views === undefined || views.includes(view))
  const rows = groups.flatMap((group) => group.partitions.map((one) => shown.map(({ cell }) => cell(one, group))))
  const head = shown.map(({ align, head: name }) => align === undefined ? { head: name } : { head: name, align })
  return [...(rows.length === 0 ? [] : [table(head, rows), ""]), table(groupColumns, groups.map(groupRow))].join("\n")
}

/** Of a group of which nothing could be learned nothing is said. */
export const groupState = ({ partitions, problems }: TimedGroup): LagState | undefined =>
  partitions.length === 0 && problems.length > 0 ? undefined : worstState(partitions.map(({ state }) => state))

const stateText = ({ reason, state }: TimedPartition): string =>
  state === undefined ? unknown : reason === undefined ? state : `${state} ${reason}`

const offsetText = (offset: bigint | undefined): string => offset === undefined ? unknown : String(offset)

const trendText = (perSecond: number, samples: number): string => {
  if (samples < 2) return unknown
  const rounded = Math.abs(perSecond) < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0)
  return `${Number(rounded) > 0 ? "+" : ""}${Number(rounded) === 0 ? "0" : rounded}/s`
}

/** For people: `0 s`, `0.8 s`, `42 s`, `7 min`, `3.5 h`, `12 d`. */
export const durationText = (ms: number | undefined): string => {
  if (ms === undefined) return unknown
  if (ms === 0) return "0 s"
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} d`
}

const totalLag = ({ partitions }: TimedGroup): bigint => partitions.reduce((sum, { lag }) => sum + (lag ?? 0n), 0n)

const groupColumns = [
  { head: "GROUP" },
  { head: "LAG", align: right },
  { head: "KAFKA" },
  { head: "MEMBERS", align: right },
  { head: "OFFSETS" },
  { head: "STATE" }
]

const groupRow = (group: TimedGroup): ReadonlyArray<string> => [
  group.group,
  String(totalLag(group)),
  group.kafkaState === "" ? unknown : group.kafkaState,
  group.kafkaState === "" ? unknown : String(group.members),
  group.topics === undefined ? "Kafka, to the high watermark" : "database, to the last stable offset",
  groupState(group) ?? unknown
]

/** What `--output json` prints. */
export const lagJson = (groups: ReadonlyArray<TimedGroup>) => ({
  state: worstState(groups.map(groupState)) ?? null,
  groups: groups.map((group) => ({
    group: group.group,
    state: groupState(group) ?? null,
    offsets: group.topics === undefined ? "kafka" : "database",
    end: group.topics === undefined ? "high watermark" : "last stable offset",
    kafkaState: group.kafkaState === "" ? null : group.kafkaState,
    members: group.members,
    lag: totalLag(group),
    partitions: group.partitions.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      committed: one.committed ?? null,
      ...(group.topics === undefined ? {} : { committedInKafka: one.kafkaCommitted ?? null }),
      end: one.end ?? null,
      lag: one.lag ?? null,
      lagMs: one.lagMs ?? null,
      trendPerSecond: one.samples < 2 ? null : one.trend,
      ...(group.topics === undefined ? {} : { lastCommitMs: one.commitAgeMs ?? null }),
      owner: one.owner ?? null,
      state: one.state ?? null,
      reason: one.reason ?? null
    })),
    problems: group.problems.map(({ code, what }) => ({ code, what }))
  }))
})
