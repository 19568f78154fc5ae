import { assert, it } from "@effect/vitest"
import * as fc from "fast-check"
import { editDistance, nearest } from "../../src/domain/nearest.js"

const word = fc.string({ maxLength: 8 })

it.prop("a distance is 0 only between equal words and the same both ways", [word, word], ([a, b]) => {
  assert.strictEqual(editDistance(a, b) === 0, a === b)
  assert.strictEqual(editDistance(a, b), editDistance(b, a))
})

it("one slip of the hand costs one: insert, delete, replace, swap of neighbours", () => {
  for (const slip of ["verfiy", "verif", "verifyy", "vezify"]) assert.strictEqual(editDistance(slip, "verify"), 1)
})

it("suggests the closest, and nothing where nothing is close", () => {
  const commands = ["run", "produce", "verify", "version"]
  assert.strictEqual(nearest("verfy", commands), "verify")
  assert.strictEqual(nearest("RUNN", commands), "run")
  assert.isUndefined(nearest("deploy", commands))
})
