import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import * as DirectoryRegistry from "../../../src/layers/registry/DirectoryRegistry.js"
import { layerMemory } from "../../../src/layers/registry/MemoryRegistry.js"
import { compactSchema } from "../../../src/layers/registry/schemaText.js"
import { schemaRegistryContract } from "../../contracts/schemaRegistry.js"
import { temporaryFolder } from "../embedded/temporaryFolder.js"

describe("MemoryRegistry", () => schemaRegistryContract(layerMemory, ""))

const schemaWith = (value: string) =>
  `{"type":"record","name":"R","fields":[{"name":"a b\\"  ","type":"long","default":${value}}]}`

it("two layouts of one schema are one, two defaults that a double cannot tell apart are two", () => {
  const one = schemaWith("9223372036854775807")
  assert.strictEqual(compactSchema(one.replaceAll(/[{}:,[\]]/g, " $&\n\t")), compactSchema(one))
  assert.strictEqual(compactSchema(one), one)
  assert.notStrictEqual(compactSchema(schemaWith("9223372036854775806")), one)
  assert.isUndefined(compactSchema("{"))
})

describe("DirectoryRegistry", () => {
  schemaRegistryContract(
    Layer.unwrapScoped(Effect.map(temporaryFolder, (folder) => DirectoryRegistry.layer(join(folder, "schemas")))),
    ""
  )

  it.scopedLive("several that register at once agree on the ids and lose no version", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const register = (name: string) =>
        Effect.flatMap(SchemaRegistry, (registry) =>
          registry.register("subject", JSON.stringify({ type: "enum", name, symbols: ["A"] }))).pipe(
            // A layer of its own for each: as separate as processes, but for the lock's file.
            Effect.provide(DirectoryRegistry.layer(folder))
          )
      const names = ["A", "B", "C", "A", "B", "C"]
      const ids = yield* Effect.forEach(names, register, { concurrency: "unbounded" })
      assert.deepStrictEqual(ids.slice(0, 3), ids.slice(3))
      assert.deepStrictEqual(new Set(ids), new Set([1, 2, 3]))
      assert.deepStrictEqual(
        (yield* Effect.promise(() =>
          readdir(join(folder, "ids"))
        )).toSorted(),
        [
          "1.avsc",
          "2.avsc",
          "3.avsc"
        ]
      )
      assert.lengthOf(yield* Effect.promise(() => readdir(join(folder, "subjects", "subject"))), 3)
    }))

  it.scopedLive("no subject names a file outside of the folder", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const registry = Context.get(yield* Layer.build(DirectoryRegistry.layer(join(folder, "r"))), SchemaRegistry)
      for (const subject of ["..", ".", "../../x", "a/b", "C:\\x"]) {
        yield* registry.register(subject, "\"string\"")
        assert.strictEqual((yield* registry.latest(subject)).version, 1)
      }
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["r"])
      assert.lengthOf(yield* Effect.promise(() => readdir(join(folder, "r", "subjects"))), 5)
    }))
})
