import kafkajs from "kafkajs"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { atEnd } from "./atEnd.js"
import { createTopics, suffix } from "./World.js"

/** Topics of one test's own, each filled with `count` numbered records in turn over its partitions, and a folder. */
export const makeTopics = async (brokers: string, partitions: ReadonlyArray<number>, count: number) => {
  const own = suffix()
  const topics = partitions.map((_, index) => `own${index}_${own}`)
  const folder = mkdtempSync(join(tmpdir(), "tributary own "))
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  // Idempotent: kafkajs sends all again where one partition of a new topic has no leader yet.
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner
  })
  await Promise.all([admin.connect(), producer.connect()])
  atEnd(async () => {
    await admin.deleteTopics({ topics, timeout: 5000 }).catch(() => {})
    await Promise.all([admin.disconnect().catch(() => {}), producer.disconnect().catch(() => {})])
    await rm(folder, { recursive: true, force: true })
  })
  for (const [index, topic] of topics.entries()) {
    const of = partitions[index] ?? 1
    await createTopics(admin, [topic], of)
    await producer.send({
      topic,
      messages: Array.from({ length: count }, (_, n) => ({ partition: n % of, key: `k${n}`, value: `${topic} ${n}` }))
    })
  }
  return { topics, folder }
}
