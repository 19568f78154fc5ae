import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import * as KafkaTransactions from "../../../src/layers/kafka/KafkaTransactions.js"
import { type TransactionalProducer, Transactions } from "../../../src/layers/Transactions.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, keyed, layersOf, optionsOf, uniqueName } from "./support.js"

/** How an owner of a transactional id dies: it has sent the offsets, and perhaps begun to commit. */
type Death = (producer: TransactionalProducer) => Effect.Effect<unknown, unknown>

const rounds = 8

// Outline: each round an owner sends records and the group's offset, and dies as by SIGKILL. The next owner opens the id and
// reads the group's offset at once, and once more behind a transaction of its own: that must be the same.
describeWith(["kafka"], "the offsets that are read after a transactional id has been opened", (servers) => {
  const live = Layer.merge(
    layersOf(servers.kafka),
    KafkaTransactions.layer({ ...optionsOf(servers.kafka), compression: "none" })
  )

  const check = (death: Death) =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const [group, transactionalId] = [uniqueName("group"), uniqueName("tx")]
      const transactions = yield* Transactions
      const admin = yield* Admin
      const read = Effect.map(admin.committedOffsets(group, topic), (offsets) => offsets.get(0) ?? 0n)
      const outcomes: Array<"committed" | "aborted"> = []
      let position = 0n
      for (let round = 0; round < rounds; round++) {
        const scope = yield* Scope.make()
        const killed = yield* Scope.extend(transactions.open({ transactionalId, timeoutMs: 60_000 }), scope)
        yield* killed.send(topic, keyed(0, 3))
        yield* killed.sendOffsets(group, topic, [{ partition: 0, offset: position + 3n }])
        yield* death(killed)
        const [offset, later] = yield* Effect.scoped(Effect.gen(function*() {
          const next = yield* transactions.open({ transactionalId, timeoutMs: 60_000 })
          const found = yield* read
          yield* next.send(topic, keyed(0, 1))
          yield* next.commit
          return [found, yield* read] as const
        }))
        assert.strictEqual(offset, later, `round ${round}: what was read first has changed`)
        assert.include([position, position + 3n], offset)
        outcomes.push(offset === position ? "aborted" : "committed")
        position = offset
        yield* Scope.close(scope, Exit.void)
      }
      return outcomes
    }).pipe(Effect.scoped, Effect.provide(live))

  it.live("do not change any more: killed between the offsets and the commit", () =>
    Effect.map(check(() => Effect.void), (outcomes) => assert.notInclude(outcomes, "committed")))

  it.live("do not change any more: killed while the commit is under way", () =>
    Effect.map(
      check((producer) => Effect.forkDaemon(producer.commit)),
      (outcomes) => assert.lengthOf(outcomes, rounds)
    ))

  it.live("are those of the commit: killed behind it", () =>
    Effect.map(check((producer) => producer.commit), (outcomes) => assert.notInclude(outcomes, "aborted")))
})
