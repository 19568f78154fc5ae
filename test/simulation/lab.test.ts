import { assert, describe, it } from "@effect/vitest"
import { guaranteeOf } from "../../src/domain/delivery.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { experiments } from "../../src/programs/lab/experiments.js"

describe("the delivery lab, in virtual time", () => {
  for (const { cases, name } of experiments) {
    describe(name, () => {
      for (const { shows, simulated, strategy } of cases) {
        it(`${strategy}: ${shows}`, () => {
          // A day and more of virtual time: once is enough.
          for (const seed of name === "offset-loss" ? [1] : [1, 2, 3]) {
            assert.strictEqual(guaranteeOf(simulate(simulated, seed).delivery), shows, `seed ${seed}`)
          }
        })
      }
    })
  }
})
