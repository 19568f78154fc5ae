import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { createHash } from "node:crypto"
import { describeOnEach } from "../../servers/index.js"
import { additive, column, columnsOf, ensure, id, planOf } from "./evolutionSupport.js"
import { ownDatabase, query, until } from "./support.js"
import { tcpProxy } from "./tcpProxy.js"

describeOnEach("tables that several create at once", ({ address }) => {
  it.scopedLive("whoever comes second waits for the first, and finds the table done", () =>
    Effect.gen(function*() {
      const { admin, config, database } = yield* ownDatabase(address)
      const name = `trb:${createHash("sha256").update(`${database}.orders`).digest("hex").slice(0, 40)}`
      yield* query(admin, `DO GET_LOCK('${name}', 0)`)
      const error = yield* Effect.flip(ensure({ ...config, ddlLockTimeoutMs: 500 }, planOf([id]), additive))
      assert.strictEqual(error._tag, "DestinationUnavailable")
      assert.include(error.message, "another instance is creating or altering orders")
      assert.deepStrictEqual(yield* columnsOf(admin), [])
      yield* query(admin, `DO RELEASE_LOCK('${name}')`)
      yield* ensure(config, planOf([id]), additive)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL"])
    }))

  it.scopedLive("a column that somebody adds meanwhile by hand counts as done", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* ensure(config, planOf([id]), additive)
      const proxy = yield* tcpProxy(config)
      const behind = { ...config, host: "127.0.0.1", port: proxy.port }
      // What the catalog says once the lock is held is already out of date when it arrives.
      proxy.arm(/GET_LOCK/u, "hold")
      const altering = yield* Effect.fork(ensure(behind, planOf([id, column("n", { kind: "int" })]), additive))
      yield* until(Effect.sync(proxy.hasStruck))
      const release = proxy.release
      proxy.arm(/information_schema/u, "hold")
      release()
      yield* until(Effect.sync(proxy.hasStruck))
      yield* query(admin, "ALTER TABLE orders ADD COLUMN n INT")
      proxy.release()
      yield* Fiber.join(altering)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL", "n int NULL"])
    }))
})
