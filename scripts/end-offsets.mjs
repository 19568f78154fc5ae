// Prints the end of each partition as Kafka knows it, in the form of kafka-get-offsets.sh: topic:partition:offset. It asks
// Kafka by kafkajs's own admin client, past all code of Tributary's.
import kafkajs from "kafkajs"
import { brokers, topics } from "./config.mjs"

const kafka = new kafkajs.Kafka({ brokers: brokers(), clientId: "end-offsets", logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
try {
  for (const topic of topics()) {
    const offsets = await admin.fetchTopicOffsets(topic)
    for (const { high, partition } of offsets.toSorted((a, b) => a.partition - b.partition)) {
      console.log(`${topic}:${partition}:${high}`)
    }
  }
} finally {
  await admin.disconnect()
}
