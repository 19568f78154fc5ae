import type { Sent } from "./checker.js"
import { type Codec, compressionTypes, registerCodecs } from "./codecs.js"
import { openProducer } from "./openProducer.js"
import { entry, registerEntry } from "./records.js"
import type { World } from "./World.js"

/** A producer that is not the program's, and remembers what it has sent. */
export interface Feed {
  readonly schemaId: number
  /** Sends `count` records to a partition as one batch. */
  readonly send: (topic: string, partition: number, count: number, codec?: Codec) => Promise<void>
  /** Sends `count` records to each partition of each topic, in batches of `batch`, codecs in turn. */
  readonly fill: (count: number, codecs?: ReadonlyArray<Codec>, batch?: number) => Promise<void>
  /** New ids, to be sent by someone else. */
  readonly ids: (topic: string, count: number) => ReadonlyArray<string>
  /** Remembers records that someone else has sent. */
  readonly remember: (topic: string, sent: ReadonlyArray<Sent>) => void
  readonly sent: (topic: string) => ReadonlyArray<Sent>
}

export const makeFeed = async (world: World): Promise<Feed> => {
  registerCodecs()
  const schemaId = await registerEntry(world.addresses.registry, world.topics)
  const producer = await openProducer(world)
  const ledger = new Map<string, Array<Sent>>()
  const entriesOf = (topic: string) => {
    const known = ledger.get(topic) ?? []
    ledger.set(topic, known)
    return known
  }
  let next = 0
  const ids = (topic: string, count: number) =>
    Array.from({ length: count }, () => `${topic.slice(-8)}-${String(next++).padStart(9, "0")}`)
  const send = async (topic: string, partition: number, count: number, codec: Codec = "none") => {
    const batch = ids(topic, count)
    const [placed] = await producer.send({
      topic,
      compression: compressionTypes[codec],
      messages: batch.map((id) => ({ partition, key: id, value: entry(schemaId, id, textOf(id)) }))
    })
    if (placed?.baseOffset === undefined) throw new Error("the broker does not tell where the batch lies")
    const base = BigInt(placed.baseOffset)
    entriesOf(topic).push(...batch.map((id, index) => ({ id, at: { partition, offset: base + BigInt(index) } })))
  }
  const fill = async (count: number, codecs: ReadonlyArray<Codec> = ["none"], batch = 500) => {
    let turn = 0
    for (let left = count; left > 0; left -= batch) {
      for (const topic of world.topics) {
        for (let partition = 0; partition < world.partitions; partition++) {
          await send(topic, partition, Math.min(left, batch), codecs[turn++ % codecs.length])
        }
      }
    }
  }
  return {
    schemaId,
    send,
    fill,
    ids,
    remember: (topic, sent) => entriesOf(topic).push(...sent),
    sent: (topic) => ledger.get(topic) ?? []
  }
}

/** Something to compress. */
export const textOf = (id: string): string => `${id} ${"abcdefgh".repeat(3)}`
