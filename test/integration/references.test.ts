import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { noRegistryAccess } from "../../src/domain/RegistryAccess.js"
import { defaultTopicSettings } from "../../src/domain/TopicSettings.js"
import { writeFrame } from "../../src/domain/WireFormat.js"
import { layer } from "../../src/layers/registry/HttpRegistry.js"
import { makePartDecoder } from "../../src/programs/decode/makePartDecoder.js"
import { describeWith } from "../servers/index.js"

const field = (type: unknown) => [{ name: "f", type }]
const decodeId = Schema.decodeUnknownPromise(Schema.Struct({ id: Schema.Int }))

describeWith(["registry"], "schemas that refer to others, in a real registry", ({ registry }) => {
  const run = randomBytes(4).toString("hex")

  const register = async (subject: string, schema: unknown, references: ReadonlyArray<readonly [string, string]>) => {
    const body = {
      schema: JSON.stringify(schema),
      schemaType: "AVRO",
      references: references.map(([name, of]) => ({ name, subject: `${of}-${run}`, version: 1 }))
    }
    const answer = await fetch(`${registry}/subjects/${subject}-${run}/versions`, {
      method: "POST",
      headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
      body: JSON.stringify(body)
    })
    return (await decodeId(await answer.json())).id
  }

  it.live("are decoded with the definitions that they use, directly and through one another", () =>
    Effect.gen(function*() {
      const id = yield* Effect.promise(async () => {
        const name = `n${run}`
        await register("code", { type: "fixed", name: `${name}.Code`, size: 1 }, [])
        await register("inner", { type: "record", name: `${name}.Inner`, fields: field(`${name}.Code`) }, [
          [`${name}.Code`, "code"]
        ])
        return register("outer", { type: "record", name: `${name}.Outer`, fields: field(["null", `${name}.Inner`]) }, [
          [`${name}.Inner`, "inner"]
        ])
      })
      const decoder = yield* makePartDecoder({
        part: "value",
        topic: "t",
        settings: defaultTopicSettings,
        backoff: { baseMs: 10, maxMs: 100 }
      })
      const bytes = writeFrame(id, Buffer.of(2, 0xab))
      const codec = yield* decoder.load(`id ${id}`)
      assert.deepStrictEqual(yield* codec.decode(bytes, 5), { f: { f: Buffer.of(0xab) } })
    }).pipe(Effect.provide(layer({ urls: [registry], ...noRegistryAccess }))))
})
