import kafkajs from "kafkajs"
import { atEnd } from "../../test/e2e/support/atEnd.js"
import { register } from "../../test/e2e/support/records.js"
import type { World } from "../../test/e2e/support/World.js"

/** The id of a record says where it lies, so that a row can be checked without a ledger of all that was sent. */
const schema = JSON.stringify({
  type: "record",
  name: "Bulk",
  fields: [{ name: "id", type: "string" }, { name: "text", type: "string" }]
})

/** A string as Avro writes it: its length as a zigzag varint, then its bytes. */
const avroString = (text: Buffer): Buffer => {
  const length: Array<number> = []
  let left = text.length * 2
  for (; left > 0x7f; left >>>= 7) length.push((left & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([...length, left]), text])
}

export interface Bulk {
  /** Appends so many records to every partition of the world's first topic; answers their bytes. */
  readonly append: (count: number) => Promise<number>
  /** Records of each partition. */
  readonly count: () => number
}

/** Records of about `recordBytes` each, uncompressed unless told otherwise. */
export const makeBulk = async (world: World, recordBytes: number, gzip: boolean): Promise<Bulk> => {
  const [topic = ""] = world.topics
  const id = await register(world.addresses.registry, `${topic}-value`, schema)
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  const filler = avroString(Buffer.alloc(Math.max(0, recordBytes - 20), "all work and no play "))
  // Idempotent: a batch that is sent again after a broken connection must not lie in the log twice.
  const producer = world.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  atEnd(() => producer.disconnect().catch(() => {}))
  const compression = gzip ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None
  let sent = 0
  /** One batch for each partition, below what a broker takes at most (1 MiB). */
  const batchRecords = Math.max(1, Math.floor(500_000 / recordBytes))
  const messageOf = (partition: number, offset: number) => ({
    partition,
    value: Buffer.concat([head, avroString(Buffer.from(`${partition}-${offset}`)), filler])
  })
  return {
    append: async (count) => {
      let bytes = 0
      for (const end = sent + count; sent < end;) {
        const next = Math.min(end, sent + batchRecords)
        for (let partition = 0; partition < world.partitions; partition += 5) {
          const messages = Array.from(
            { length: 5 * (next - sent) },
            (_, index) => messageOf(partition + index % 5, sent + Math.floor(index / 5))
          )
            .filter((message) => message.partition < world.partitions)
          await producer.send({ topic, compression, messages })
          for (const { value } of messages) bytes += value.length
        }
        sent = next
      }
      return bytes
    },
    count: () => sent
  }
}
