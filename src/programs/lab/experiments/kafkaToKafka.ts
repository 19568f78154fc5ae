import * as Effect from "effect/Effect"
import type { Experiment } from "../experiment.js"
import { copied, copies, markers, startCopy } from "../Copy.js"
import { inLab, kill, type LabWorld, topic } from "../LabWorld.js"

const commitIntervalMs = 120_000

/** Pairs for the mapping `event`; the number of each is its place. */
const send = (world: LabWorld, values: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const value of values) {
      world.kafka.append(topic, 0, Buffer.from(value))
      world.produced.push(world.produced.length + 1)
    }
  })

export const kafkaToKafka: Experiment = {
  name: "kafka-to-kafka",
  title: "aa,bb and cc,dd copied and committed; four more copied, kill -9 before the commit interval ends; restart",
  why:
    "The copy sends its output at once, inside a transaction that also carries the consumed offsets. The kill leaves a " +
    "transaction open; the restarted copy initialises the same transactional id, which aborts it, and begins again at " +
    "the offset of the last commit. The four records are in the log twice, the first time under an ABORT marker: " +
    "processed twice, visible once. A read_uncommitted reader sees them twice, a read_committed one once.",
  cases: [{
    strategy: "transform",
    shows: "exactly once",
    simulated: inLab((world) =>
      Effect.gen(function*() {
        yield* send(world, ["aa,bb", "cc,dd"])
        const first = yield* startCopy(world, "transform", {
          map: "event",
          commitIntervalMs,
          transactionTimeoutMs: 600_000
        })
        yield* Effect.sleep(commitIntervalMs + 10_000)
        yield* send(world, ["ee,ff", "gg,hh", "ii,jj", "kk,ll"])
        yield* Effect.sleep(20_000)
        yield* kill(world, "transform", first)
        yield* startCopy(world, "transform", { map: "event", commitIntervalMs, transactionTimeoutMs: 600_000 })
        yield* Effect.sleep(2 * commitIntervalMs)
        const visible = copied(world)
        const numbers = new Map<string, number>()
        for (
          const [index, { record }] of world.kafka.log(topic, 0).items.flatMap((item) =>
            item.kind === "record" ? [item] : []
          ).entries()
        ) {
          numbers.set(`EVENT(${Buffer.from(record.value ?? []).toString()})`, index + 1)
        }
        const values = copies(world, "read_committed")
        world.processed.push(...visible.map((one, index) => ({ ...one, id: numbers.get(values[index] ?? "") ?? 0 })))
        return [
          `control records: ${markers(world).join(", ")}`,
          `read_uncommitted: ${copies(world, "read_uncommitted").join(" ")}`,
          `read_committed:   ${values.join(" ")}`
        ]
      })
    )
  }]
}
