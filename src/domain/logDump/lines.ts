/** The text of `kafka.tools.DumpLogSegments --print-data-log` of Kafka 4.1, line for line. */
import { javaText } from "../javaText.js"
import type { StoredHeader } from "../recordBatch.js"
import { sequenceAfter } from "../sequence.js"
import type { Marker, StoredBatch, StoredRecord } from "./storedBatch.js"

const codecNames = ["none", "gzip", "snappy", "lz4", "zstd"]
export const codecName = (code: number): string => codecNames[code] ?? `unknown(${code})`

export const headerLine = (header: StoredHeader): string =>
  `baseOffset: ${header.baseOffset} lastOffset: ${header.lastOffset} count: ${header.recordCount} ` +
  `baseSequence: ${header.baseSequence} lastSequence: ${lastSequence(header)} producerId: ${header.producerId} ` +
  `producerEpoch: ${header.producerEpoch} partitionLeaderEpoch: ${header.partitionLeaderEpoch} ` +
  `isTransactional: ${header.transactional} isControl: ${header.control} ` +
  `deleteHorizonMs: ${
    header.deleteHorizonMs === undefined ? "OptionalLong.empty" : `OptionalLong[${header.deleteHorizonMs}]`
  } ` +
  `position: ${header.position} ${header.timestampType}: ${header.maxTimestampMs} size: ${header.bytes} ` +
  `magic: ${header.magic} compresscodec: ${codecName(header.codec)} crc: ${header.crc} isvalid: ${header.valid}`

export const lastSequence = (header: StoredHeader): number =>
  sequenceAfter(header.baseSequence, Number(header.lastOffset - header.baseOffset))

/** A line of text may hold line breaks: keys and values are shown as they are. */
export const recordLine = (record: StoredRecord, { timestampType }: StoredHeader): string => {
  const { headers, key, marker, offset, sequence, timestampMs, value } = record
  const line = `| offset: ${offset} ${timestampType}: ${timestampMs} keySize: ${key?.length ?? -1} ` +
    `valueSize: ${value?.length ?? -1} sequence: ${sequence} headerKeys: [${headers.map(([name]) => name).join(",")}]`
  if (marker !== undefined) return line + markerText(marker)
  return line + (key === null ? "" : ` key: ${javaText(key)}`) + (value === null ? "" : ` payload: ${javaText(value)}`)
}

/** Kinds of a broker's own records beside the ends of transactions; only the cluster's metadata log holds them. */
const controlNames = new Map([
  [2, "LEADER_CHANGE"],
  [3, "SNAPSHOT_HEADER"],
  [4, "SNAPSHOT_FOOTER"],
  [5, "KRAFT_VERSION"],
  [6, "KRAFT_VOTERS"]
])

const markerText = (marker: Marker): string =>
  marker.kind === "other"
    ? ` controlType: ${controlNames.get(marker.typeId) ?? "UNKNOWN"}(${marker.typeId})`
    : ` endTxnMarker: ${marker.kind} coordinatorEpoch: ${marker.coordinatorEpoch}`

export const batchLines = ({ header, records }: StoredBatch): ReadonlyArray<string> =>
  header === undefined ? [] : [headerLine(header), ...records.map((record) => recordLine(record, header))]
