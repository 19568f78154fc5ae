import { encodeBatch } from "../../src/domain/batchRecords.js"
import { crc32c } from "../../src/domain/crc32c.js"
import type { KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { batchCodecs } from "../../src/layers/kafka/codecs.js"

export const record = (offset: bigint, value: string, key: Uint8Array | null = null): KafkaRecord => ({
  offset,
  timestampMs: 1_700_000_000_000,
  key,
  value: Buffer.from(value),
  headers: []
})

interface Traits {
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly codec?: number
  /** Larger than the last record's offset where compaction took the records behind it. */
  readonly lastOffset?: bigint
}

/** A batch as a transactional producer or a broker writes it. */
export const batch = (
  records: readonly [KafkaRecord, ...ReadonlyArray<KafkaRecord>],
  traits: Traits = {}
): Uint8Array => {
  const bytes = Uint8Array.from(encodeBatch(records, batchCodecs.get(traits.codec ?? 0)))
  const view = new DataView(bytes.buffer)
  const flags = (traits.transactional === true ? 0x10 : 0) | (traits.control === true ? 0x20 : 0)
  view.setInt16(21, view.getInt16(21) | flags)
  if (traits.producerId !== undefined) view.setBigInt64(43, traits.producerId)
  if (traits.lastOffset !== undefined) view.setInt32(23, Number(traits.lastOffset - records[0].offset))
  return sealed(bytes)
}

/** Writes the checksum again. */
export const sealed = (bytes: Uint8Array): Uint8Array => {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(17, crc32c(bytes, 21))
  return bytes
}

/** The end of a transaction: a control record with key (version, type), where type 0 aborts and 1 commits. */
export const marker = (offset: bigint, producerId: bigint, type: "commit" | "abort"): Uint8Array =>
  batch([record(offset, "", Buffer.from([0, 0, 0, type === "abort" ? 0 : 1]))], {
    producerId,
    transactional: true,
    control: true
  })
