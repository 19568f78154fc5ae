/** A process that appends numbered records to a file log until it is killed, and says which are acknowledged. */
import { Console, Effect } from "effect"
import { layer } from "../../src/layers/embedded/FileLogProducer.js"
import { Producer } from "../../src/layers/Producer.js"

const [, , root = "", topic = "", name = ""] = process.argv

const records = (from: number) =>
  Array.from({ length: 200 }, (_, index) => ({
    partition: 0,
    key: null,
    value: new TextEncoder().encode(`${name}:${from + index}:${"x".repeat(500)}`)
  }))

const write = Effect.gen(function*() {
  const producer = yield* Producer
  yield* Console.log("held")
  for (let from = 0;; from += 200) {
    yield* producer.send(topic, records(from))
    yield* Console.log(`acknowledged ${from + 199}`)
  }
})
void Effect.runPromise(Effect.provide(write, layer({ root })))
