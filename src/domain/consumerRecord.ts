import type { KafkaRecord } from "./KafkaRecord.js"

/** A record with the partition that it was read from: what the Java client calls a ConsumerRecord. */
export interface ConsumerRecord extends KafkaRecord {
  readonly topic: string
  readonly partition: number
}

/** As Java's StringDeserializer: UTF-8, with U+FFFD for what is not. */
export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")

/** As Java's `Arrays.toString(byte[])`, whose bytes have a sign. */
const javaBytes = (bytes: Uint8Array | null): string =>
  bytes === null ? "null" : `[${Array.from(bytes, (byte) => (byte << 24) >> 24).join(", ")}]`

/**
 * The line that the Java client's `ConsumerRecord.toString` gives for keys and values that are read as strings (3.x and
 * later put a leader epoch after the partition, which records do not carry here). `value` stands for the record's value.
 */
export const javaLine = (record: ConsumerRecord, value: string | null): string => {
  const { key, offset, partition, timestampMs, topic } = record
  const headers = record.headers.map(([name, bytes]) => `RecordHeader(key = ${name}, value = ${javaBytes(bytes)})`)
  return `ConsumerRecord(topic = ${topic}, partition = ${partition}, offset = ${offset}, ` +
    `CreateTime = ${timestampMs}, serialized key size = ${key?.length ?? -1}, ` +
    `serialized value size = ${record.value?.length ?? -1}, ` +
    `headers = RecordHeaders(headers = [${headers.join(", ")}], isReadOnly = false), ` +
    `key = ${key === null ? "null" : textOf(key)}, value = ${value})`
}

const two = (number: number): string => String(number).padStart(2, "0")
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const

/** As Java's `Date.toString` where the time zone is UTC: `Fri Oct 25 07:12:18 UTC 2019`. */
export const javaDate = (epochMs: number): string => {
  const date = new Date(epochMs)
  const day = `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${two(date.getUTCDate())}`
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":")
  return `${day} ${time} UTC ${String(date.getUTCFullYear()).padStart(4, "0")}`
}
