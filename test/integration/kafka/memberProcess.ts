/**
 * A process with one member, for tests that kill it: `memberProcess ADDRESS TOPIC GROUP STATE_DIR`. Says "ready" when it
 * is loaded, joins when a line comes on stdin, says "assigned" with the milliseconds since then, and reads on until it
 * is killed.
 */
import { Clock, Console, Effect, Layer } from "effect"
import { Consumer, GroupEvent } from "../../../src/layers/Consumer.js"
import * as instanceLockFile from "../../../src/layers/instanceLockFile.js"
import * as KafkaConsumer from "../../../src/layers/kafka/KafkaConsumer.js"
import { optionsOf } from "./support.js"

const [, , address = "", topic = "", group = "", stateDir = ""] = process.argv
const main = Effect.gen(function*() {
  const start = yield* Clock.currentTimeMillis
  const consumer = yield* Consumer
  const { events, resume, seek } = yield* consumer.join({ topic, group, onBatch: () => "fetch" })
  while (true) {
    const event = yield* events.take
    if (!GroupEvent.$is("Assigned")(event) || event.partitions.length === 0) continue
    yield* Console.log(`assigned ${(yield* Clock.currentTimeMillis) - start}`)
    yield* Effect.forEach(event.partitions, (partition) => Effect.zipRight(seek(partition, 0n), resume(partition)))
  }
})
/** Longer than what replaces a dead member takes on any machine. */
const sessionTimeoutMs = 60_000
const live = KafkaConsumer.layer({ ...optionsOf(address), sessionTimeoutMs }).pipe(
  Layer.provide(instanceLockFile.layer(stateDir))
)
process.stdin.once("data", () => void Effect.runPromise(Effect.scoped(main).pipe(Effect.provide(live))))
void Effect.runPromise(Console.log("ready"))
