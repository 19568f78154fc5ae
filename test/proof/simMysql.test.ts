import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import type { Link } from "../../proof/simulation/mysql/Link.js"
import { none } from "../../proof/simulation/mysql/faults.js"
import type { SimMysql } from "../../proof/simulation/mysql/SimMysql.js"
import { beginnings, type Client, firstRow, interleavings } from "./simMysqlInterleavings.js"
import { play, said, wanted } from "./simMysqlPlay.js"
import { inWorld, simMysql } from "./simMysqlSupport.js"

const connect = (server: SimMysql): Link => {
  const link = server.connect("test", none)
  if (typeof link === "object" && "send" in link) return link
  throw new Error("no connection")
}

const client = (server: SimMysql): Client => {
  const link = connect(server)
  const run = (text: string) =>
    Effect.async<string>((resume) =>
      link.send(text, (answer) =>
        resume(Effect.succeed(
          answer === undefined
            ? "lost"
            : answer.refusal === undefined
            ? said(answer.results.at(-1))
            : `error ${answer.refusal.errno}`
        )))
    )
  return { id: link.session.id, run }
}

/** Nothing takes time here: what has not answered by now waits for a lock. */
const settled = (sent: Fiber.RuntimeFiber<string>) =>
  Effect.gen(function*() {
    for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow()
    return Option.isSome(yield* Fiber.poll(sent)) ? yield* Fiber.join(sent) : undefined
  })

describe("the simulated MySQL, as test/integration/mysql/simMysqlModel.test.ts finds the real one", () => {
  for (const interleaving of interleavings) {
    it(interleaving.name, () =>
      simulate(Effect.gen(function*() {
        const server = yield* simMysql()
        server.database.createTable("orders")
        server.database.createTable("upserted")
        yield* client(server).run(firstRow)
        const clients = { a: client(server), b: client(server), c: client(server) }
        for (const one of Object.values(clients)) for (const text of beginnings) yield* one.run(text)
        assert.deepStrictEqual(yield* play(interleaving, clients, settled), wanted(interleaving))
      })))
  }
})

describe("the main job on the simulated MySQL", () => {
  it("is production's own destination", () =>
    inWorld((world) =>
      Effect.gen(function*() {
        world.produce(200)
        yield* world.start("a")
        yield* Effect.sleep(5000)
        assert.deepStrictEqual(world.findings(), [])
        assert.isAbove(world.server.counters.commits, 2)
      })
    ))
})
