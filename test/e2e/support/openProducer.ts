import kafkajs from "kafkajs"
import { atEnd } from "./atEnd.js"
import type { World } from "./World.js"

/** Idempotent: a batch that is sent again after a broken connection must not lie in the log twice. */
export const openProducer = async (world: World) => {
  const producer = world.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner
  })
  await producer.connect()
  atEnd(() => producer.disconnect().catch(() => {}))
  return producer
}
