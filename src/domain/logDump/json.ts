import * as Either from "effect/Either"
import { codecName, lastSequence } from "./lines.js"
import type { StoredBatch, StoredRecord } from "./storedBatch.js"

/** A batch as plain data, for programs; the names are those of the text. Bytes that are no UTF-8 come as base64. */
export const batchData = ({ fault, header, position, records }: StoredBatch): object => ({
  ...header === undefined ? { position } : {
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    count: header.recordCount,
    baseSequence: header.baseSequence,
    lastSequence: lastSequence(header),
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    isTransactional: header.transactional,
    isControl: header.control,
    deleteHorizonMs: header.deleteHorizonMs ?? null,
    position,
    timestampType: header.timestampType,
    timestamp: header.maxTimestampMs,
    size: header.bytes,
    magic: header.magic,
    compresscodec: codecName(header.codec),
    crc: header.crc,
    isvalid: header.valid
  },
  records: records.map(recordData),
  ...fault === undefined ? {} : { fault }
})

const recordData = ({ headers, key, marker, offset, sequence, timestampMs, value }: StoredRecord): object => ({
  offset,
  timestamp: timestampMs,
  sequence,
  headers: headers.map(([name, content]) => ({ name, ...bytesData("value", content) })),
  ...marker === undefined
    ? { ...bytesData("key", key), ...bytesData("payload", value) }
    : marker.kind === "other"
    ? { controlType: marker.typeId }
    : { endTxnMarker: marker.kind, coordinatorEpoch: marker.coordinatorEpoch }
})

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const bytesData = (name: string, bytes: Uint8Array | null): object =>
  bytes === null ? { [name]: null } : Either.match(Either.try(() => strict.decode(bytes)), {
    onLeft: () => ({ [`${name}Base64`]: Buffer.from(bytes).toString("base64") }),
    onRight: (text) => ({ [name]: text })
  })
