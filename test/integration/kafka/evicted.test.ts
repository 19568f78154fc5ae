import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { InstanceLock } from "../../../src/layers/InstanceLock.js"
import * as KafkaAdmin from "../../../src/layers/kafka/KafkaAdmin.js"
import * as KafkaConsumer from "../../../src/layers/kafka/KafkaConsumer.js"
import { makeNodes } from "../../../src/layers/kafka/nodes.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, member, optionsOf, uniqueName } from "./support.js"

describeWith(["kafka"], "a member that the coordinator has removed", (servers) => {
  const options = optionsOf(servers.kafka)

  it.live("a member that was evicted learns it by its next heartbeat, and gives nothing back: it has nothing any more", () =>
    Effect.scoped(Effect.gen(function*() {
      const ids: Array<string> = []
      const lock = Layer.succeed(InstanceLock, {
        deadMembers: [],
        record: ({ memberId }) => Effect.sync(() => void ids.push(memberId)),
        forget: () => Effect.void
      })
      const revoked: Array<ReadonlyArray<number>> = []
      yield* Effect.gen(function*() {
        const topic = yield* freshTopic(2)
        const group = uniqueName("group")
        const reader = yield* member(topic, group, () => "fetch", {
          onRevoked: (partitions) => Effect.sync(() => void revoked.push(partitions))
        })
        assert.deepStrictEqual(yield* reader.assigned, [0, 1])
        const nodes = yield* makeNodes(options)
        const coordinator = yield* nodes.coordinator(group)
        yield* nodes.request(
          "remove the member",
          () => coordinator.leaveGroup({ groupId: group, memberId: ids.at(-1) ?? "" })
        )
        const event = yield* reader.takeEvent
        assert.deepInclude(event, { _tag: "Lost", kind: "lost", generation: 1 })
        assert.deepStrictEqual(yield* reader.assigned, [0, 1])
        assert.deepStrictEqual(revoked, [])
      }).pipe(
        Effect.provide(
          Layer.mergeAll(KafkaAdmin.layer(options), KafkaConsumer.layer(options)).pipe(Layer.provide(lock))
        )
      )
    })))
})
