import { afterEach, assert, describe, it } from "@effect/vitest"
import { guaranteeOf } from "../../src/domain/delivery.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { experiments } from "../../src/programs/lab/experiments.js"
import { matrix, matrixSeeds } from "../../src/programs/lab/matrix.js"

// A simulation never lets the event loop turn, in which the test runner hears of its worker.
afterEach(() => new Promise((done) => setImmediate(done)))

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

  for (const { cases, name } of matrix) {
    describe(`strategies against ${name}`, () => {
      for (const { shows, simulated, strategy } of cases) {
        it(`${strategy}: ${shows}`, () => {
          const deliveries = Array.from({ length: matrixSeeds }, (_, run) => simulate(simulated, 1 + run).delivery)
          const lost = deliveries.flatMap((delivery) => delivery.lost)
          const repeated = deliveries.flatMap((delivery) => delivery.repeated)
          assert.strictEqual(guaranteeOf({ lost, repeated }), shows)
        })
      }
    })
  }

  it("the same seed gives the same run", () => {
    for (const { cases } of matrix) {
      const [{ simulated } = assert.fail("no strategy")] = cases
      assert.deepStrictEqual(simulate(simulated, 7), simulate(simulated, 7))
    }
  })
})
