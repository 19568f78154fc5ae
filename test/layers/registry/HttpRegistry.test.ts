import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, TestClock } from "effect"
import type { ServerResponse } from "node:http"
import { parseBase } from "../../../src/layers/registry/httpExchange.js"
import { answer, connect, serve, whileTimePasses } from "./registryServer.js"

const schema = "{\"type\":\"string\"}"
/** Nothing listens on the discard port of this machine's own loop-back. */
const nobody = "http://127.0.0.1:9"

describe("HttpRegistry", () => {
  it.scoped("asks once per id, whoever asks at once and whoever asks later; a path in the URL stays", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve((_, response) => answer(response, 200, { schema }))
      const registry = yield* connect(`${url}/apis/ccompat/v7/`)
      const found = yield* Effect.forEach(Array.from({ length: 20 }), () => registry.byId(7), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(found.at(-1), { id: 7, schema, references: [] })
      yield* registry.byId(7)
      assert.deepStrictEqual(requests, ["GET /apis/ccompat/v7/schemas/ids/7"])
    }))

  it.scoped("an interrupted caller takes nobody else with it", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<ServerResponse>()
      const { requests, url } = yield* serve((_, response) => Deferred.unsafeDone(asked, Exit.succeed(response)))
      const registry = yield* connect(url)
      const first = yield* Effect.fork(registry.byId(1))
      const response = yield* Deferred.await(asked)
      const second = yield* Effect.fork(registry.byId(1))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      answer(response, 200, { schema })
      assert.strictEqual((yield* Fiber.join(second)).schema, schema)
      assert.lengthOf(requests, 1)
    }))

  it.scoped("404 is about that id, and is remembered for 5 s", () =>
    Effect.gen(function*() {
      let known = false
      const { requests, url } = yield* serve((_, response) =>
        known
          ? answer(response, 200, { schema, schemaType: "AVRO" })
          : answer(response, 404, { error_code: 40403, message: "Schema 9 not found" })
      )
      const registry = yield* connect(url)
      const error = yield* Effect.flip(registry.byId(9))
      assert.strictEqual(error.message, `schema id 9 is not in the schema registry ${url}`)
      known = true
      assert.strictEqual((yield* registry.byId(10)).schema, schema)
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(yield* Effect.flip(registry.byId(9)), error)
      assert.lengthOf(requests, 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* registry.byId(9)).schema, schema)
      assert.lengthOf(requests, 3)
    }))

  it.scoped("fails over to the next address and stays there", () =>
    Effect.gen(function*() {
      const broken = yield* serve((_, response) => answer(response, 503, "down"))
      const sound = yield* serve((_, response) => answer(response, 200, { schema }))
      const registry = yield* connect(nobody, broken.url, sound.url)
      yield* registry.byId(1)
      yield* registry.byId(2)
      assert.deepStrictEqual(broken.requests, ["GET /schemas/ids/1"])
      assert.deepStrictEqual(sound.requests, ["GET /schemas/ids/1", "GET /schemas/ids/2"])
    }))

  it.scopedLive("a hiccup passes unseen; an outage is told after a few tries", () =>
    Effect.gen(function*() {
      let failures = 2
      const { requests, url } = yield* serve((_, response) =>
        failures-- > 0
          ? answer(response, 500, { error_code: 50001, message: "store" })
          : answer(response, 200, { schema })
      )
      const registry = yield* connect(url)
      assert.strictEqual((yield* registry.byId(1)).schema, schema)
      assert.lengthOf(requests, 3)
      failures = 100
      const error = yield* Effect.flip(registry.byId(2))
      assert(error._tag === "RegistryUnavailable")
      assert.strictEqual(error.cause, "schema id 2: store (HTTP 500)")
      assert.lengthOf(requests, 6)
      const away = yield* connect(nobody)
      assert.strictEqual((yield* Effect.flip(away.byId(2)))._tag, "RegistryUnavailable")
    }))

  it.scoped("no answer within 10 s counts as none", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(() => {})
      const registry = yield* connect(url)
      const error = yield* Effect.flip(whileTimePasses(registry.byId(1)))
      assert(error._tag === "RegistryUnavailable")
      assert.strictEqual(error.cause, "no answer within 10 seconds")
      assert.isAtMost(requests.length, 3)
    }))

  for (const status of [401, 403, 409, 422] as const) {
    it.scoped(`HTTP ${status} is a refusal in the registry's words, said at once`, () =>
      Effect.gen(function*() {
        const { requests, url } = yield* serve((_, response) =>
          answer(response, status, { error_code: status, message: "not like this" })
        )
        const registry = yield* connect(url)
        const error = yield* Effect.flip(registry.register("s", schema))
        assert(error._tag === "RegistryRefused")
        assert.strictEqual(error.what, `subject s: not like this (HTTP ${status})`)
        assert.deepStrictEqual(requests, ["POST /subjects/s/versions"])
      }))
  }

  it.scoped("an answer that is not a registry's is refused, however long it is", () =>
    Effect.gen(function*() {
      const page = yield* serve((_, response) => answer(response, 200, "<html>Welcome</html>"))
      const error = yield* Effect.flip(Effect.flatMap(connect(page.url), (registry) => registry.byId(1)))
      assert.include(error.message, "is not that of a schema registry")
      const endless = yield* serve((_, response) => {
        response.on("drain", () => void response.write(Buffer.alloc(1 << 20)))
        response.write(Buffer.alloc(1 << 20))
      })
      const tooLong = yield* Effect.flip(Effect.flatMap(connect(endless.url), (registry) => registry.byId(1)))
      assert.include(tooLong.message, "is too long")
      const protobuf = yield* serve((_, response) => answer(response, 200, { schema: "", schemaType: "PROTOBUF" }))
      const other = yield* Effect.flip(Effect.flatMap(connect(protobuf.url), (registry) => registry.byId(1)))
      assert.include(other.message, "schema id 1 is PROTOBUF, not Avro")
    }))

  it.scoped("a refusal names the registry and what it said", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => answer(response, 403, { message: "no" }))
      const error = yield* Effect.flip(Effect.flatMap(connect(url), (registry) => registry.latest("s")))
      assert.strictEqual(error.message, `the schema registry ${url} refused: subject s: no (HTTP 403)`)
    }))

  it("an address keeps its path and loses its last slashes", () => {
    assert.strictEqual(parseBase("http://h:8081/apis/ccompat/v7//"), "http://h:8081/apis/ccompat/v7")
    assert.strictEqual(parseBase("https://h"), "https://h")
  })
})
