import type { LogRange } from "../../domain/KafkaRecord.js"
import type { LastRecord } from "../../domain/lastRecords.js"
import type { PartitionLayout, TopicLayout, TopicSetting } from "../../layers/Topics.js"
import { table } from "../table.js"
import type { Content, ContentOf } from "./content.js"

/** What `printData` prints. */
interface Report {
  readonly table: () => string
  readonly json: () => unknown
}

export interface ListedTopic {
  readonly layout: TopicLayout
  /** Offsets that the log holds: not fewer than the records, of which compaction and markers take some. */
  readonly records: bigint | undefined
}

const right = "right" as const

export const listReport = (listed: ReadonlyArray<ListedTopic>, hidden: number): Report => ({
  table: () =>
    [
      table(
        [{ head: "TOPIC" }, { head: "PARTITIONS", align: right }, { head: "REPLICAS", align: right }, {
          head: "RECORDS",
          align: right
        }, { head: "NOTE" }],
        listed.map(({ layout, records }) => [
          layout.topic,
          String(layout.partitions.length),
          String(replicasOf(layout)),
          records === undefined ? "?" : `~${records}`,
          [...layout.internal ? ["internal"] : [], ...conditionOf(layout)].join(", ")
        ])
      ),
      `topics ${listed.length}${hidden === 0 ? "" : `   (${hidden} of Kafka's own: --internal)`}`
    ].join("\n"),
  json: () =>
    listed.map(({ layout, records }) => ({
      topic: layout.topic,
      topicId: layout.topicId,
      internal: layout.internal,
      partitions: layout.partitions.length,
      replicas: replicasOf(layout),
      records: records ?? null
    }))
})

export interface Shown {
  readonly layout: TopicLayout
  readonly ranges: ReadonlyArray<LogRange>
  readonly settings: ReadonlyArray<TopicSetting>
  readonly records: ReadonlyArray<LastRecord & { readonly partition: number }>
  readonly content: ContentOf
  /** Settings: defaults too. */
  readonly all: boolean
}

export const showReport = (shown: Shown): Report => ({
  table: () => [...partitionLines(shown), ...settingLines(shown), ...recordLines(shown)].join("\n"),
  json: () => showJson(shown)
})

const partitionLines = ({ layout, ranges }: Shown): ReadonlyArray<string> => [
  `topic ${layout.topic}${layout.topicId === "" ? "" : `   id ${layout.topicId}`}   ` +
  `partitions ${layout.partitions.length}   replicas ${replicasOf(layout)}${
    conditionOf(layout).map((condition) => `   ${condition}`).join("")
  }`,
  table(
    [
      { head: "PART", align: right },
      { head: "LEADER", align: right },
      { head: "REPLICAS" },
      { head: "IN-SYNC" },
      {
        head: "LOW",
        align: right
      },
      { head: "STABLE", align: right },
      { head: "END", align: right },
      { head: "RECORDS", align: right }
    ],
    layout.partitions.map(({ inSync, leader, partition, replicas }) => {
      const range = ranges.find((one) => one.partition === partition)
      return [
        String(partition),
        leader === undefined ? "none" : String(leader),
        replicas.join(","),
        inSync.join(","),
        ...range === undefined
          ? ["?", "?", "?", "?"]
          : [String(range.low), String(range.lastStable), String(range.end), `~${range.end - range.low}`]
      ]
    })
  )
]

const settingLines = (shown: Shown): ReadonlyArray<string> => {
  const settings = wantedSettings(shown)
  return settings.length === 0 ? ["", "configuration: all defaults"] : [
    "",
    table(
      [{ head: "CONFIGURATION" }, { head: "VALUE" }, { head: "SET-BY" }],
      settings.map(({ name, source, value }) => [name, value ?? "", source])
    )
  ]
}

const recordLines = ({ content, records }: Shown): ReadonlyArray<string> =>
  records.length === 0 ? [] : [
    "",
    table(
      [{ head: "PART", align: right }, { head: "OFFSET", align: right }, { head: "TIME" }, { head: "STATE" }, {
        head: "KEY"
      }, { head: "VALUE" }],
      records.map(({ partition, record, state }) => [
        String(partition),
        String(record.offset),
        timeText(Number(record.timestampMs)),
        state,
        cellOf(content(record.key, { part: "key", headers: record.headers })),
        cellOf(content(record.value, { part: "value", headers: record.headers }))
      ])
    )
  ]

const showJson = (shown: Shown): unknown => ({
  topic: shown.layout.topic,
  topicId: shown.layout.topicId,
  internal: shown.layout.internal,
  partitions: shown.layout.partitions.map((partition) => partitionData(partition, shown.ranges)),
  configuration: wantedSettings(shown),
  lastRecords: shown.records.map(({ partition, record, state }) => ({
    partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    state,
    key: shown.content(record.key, { part: "key", headers: record.headers }),
    value: shown.content(record.value, { part: "value", headers: record.headers }),
    headers: record.headers.map(([name, value]) => ({ name, value: shown.content(value) }))
  }))
})

const partitionData = ({ inSync, leader, partition, replicas }: PartitionLayout, ranges: ReadonlyArray<LogRange>) => {
  const range = ranges.find((one) => one.partition === partition)
  return {
    partition,
    leader: leader ?? null,
    replicas,
    inSync,
    low: range?.low ?? null,
    lastStable: range?.lastStable ?? null,
    end: range?.end ?? null
  }
}

const wantedSettings = ({ all, settings }: Shown): ReadonlyArray<TopicSetting> =>
  settings.filter(({ source }) => all || source !== "default")

const replicasOf = ({ partitions }: TopicLayout): number =>
  partitions.reduce((most, { replicas }) => Math.max(most, replicas.length), 0)

/** What a person should look after. */
const conditionOf = ({ partitions }: TopicLayout): ReadonlyArray<string> => {
  const leaderless = partitions.filter(({ leader }) => leader === undefined).length
  const behind = partitions.filter(({ inSync, replicas }) => inSync.length < replicas.length).length
  return [
    ...leaderless === 0 ? [] : [`${leaderless} without a leader`],
    ...behind === 0 ? [] : [`${behind} with replicas behind`]
  ]
}

/** Beyond the years that a date can have there is only the number. */
const timeText = (ms: number): string => ms < 0 || ms > 8.64e15 ? String(ms) : new Date(ms).toISOString()

const cellLengthMax = 120

/** One line of the table, however long the value is. */
const cellOf = (content: Content | null): string => {
  if (content === null) return "null"
  const line = /\p{Cc}/u.test(content.text) ? JSON.stringify(content.text).slice(1, -1) : content.text
  const shown = content.format === "hex" ? `0x${line}` : line
  return shown.length <= cellLengthMax ? shown : `${shown.slice(0, cellLengthMax)}… (${content.text.length} characters)`
}
