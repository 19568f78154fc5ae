import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith, startRegistry } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check } from "./support/observe.js"
import { assertCalm, assertMembershipKept, assertPauses, outlive } from "./support/outage.js"
import { registerEntry } from "./support/records.js"
import { makeWorld } from "./support/World.js"

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "own:registry", "mysql"], "a registry that dies", (servers) => {
  it(
    "known schemas flow on; what has a new one waits, catches up when it is back, and every record is a row once",
    async () => {
      const registry = await startRegistry()
      onTestFinished(() => registry.stop())
      const world = await makeWorld({ ...servers, registry: registry.address }, {
        topics: ["registry1", "registry2", "registry3"]
      })
      // A schema each. Whoever encodes has asked the registry before it dies.
      const [knownTopics, newTopics] = [world.topics.slice(0, 2), world.topics.slice(2)]
      const known = await makeFeed({ ...world, topics: knownTopics })
      const fresh = await makeFeed({ ...world, topics: newTopics })
      assert.notStrictEqual(known.schemaId, fresh.schemaId)
      await known.fill(1000)
      const program = world.run()
      await caughtUp(world, [program])
      const beganMs = performance.now()
      await registry.kill()
      await known.fill(500)
      await fresh.fill(500)
      await outlive(program)
      await caughtUp(world, [program], undefined, knownTopics)
      await registry.start()
      // It has forgotten all; in the same order they get the same ids.
      assert.strictEqual(await registerEntry(registry.address, knownTopics), known.schemaId)
      assert.strictEqual(await registerEntry(registry.address, newTopics), fresh.schemaId)
      await known.fill(500)
      await fresh.fill(500)
      await caughtUp(world, [program], 120_000)
      assertCalm(program, beganMs, 0)
      // One asks for all partitions of the topic.
      assertPauses(program, 1)
      assertMembershipKept(program, world.topics)
      const expected = [
        ...knownTopics.map((topic) => ({ topic, sent: known.sent(topic) })),
        ...newTopics.map((topic) => ({ topic, sent: fresh.sent(topic) }))
      ]
      assert.deepStrictEqual(await check(world, expected), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    600_000
  )
})
