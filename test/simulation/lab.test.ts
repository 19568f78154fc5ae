import { afterEach, assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
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

  const cells = new Map<string, string>()
  for (const { cases, name } of matrix) {
    describe(`strategies against ${name}`, () => {
      for (const { shows, simulated, strategy } of cases) {
        it(`${strategy}: ${shows}`, () => {
          const deliveries = Array.from({ length: matrixSeeds }, (_, run) => simulate(simulated, 1 + run).delivery)
          const lost = deliveries.flatMap((delivery) => delivery.lost)
          const repeated = deliveries.flatMap((delivery) => delivery.repeated)
          const damage = lost.length + repeated.length
          cells.set(`${strategy}, ${name}`, damage === 0 ? "-" : `${lost.length} lost, ${repeated.length} repeated`)
          assert.strictEqual(guaranteeOf({ lost, repeated }), shows)
        })
      }
    })
  }

  it("docs/delivery-lab.md shows this matrix, as tributary lab run all prints it", () => {
    const faults = matrix.map(({ name }) => name)
    const [{ cases } = assert.fail("no fault")] = matrix
    const rows = cases.map(({ strategy }) => [strategy, ...faults.map((name) => cells.get(`${strategy}, ${name}`))])
    const [, shown = ""] = /^```text\n(STRATEGY [^]*?)^```$/m.exec(readFileSync("docs/delivery-lab.md", "utf8")) ?? []
    assert.deepStrictEqual(shown.trimEnd().split("\n").map((line) => line.split(/ {2,}/)), [
      ["STRATEGY", ...faults],
      ...rows
    ])
  })

  it("the same seed gives the same run", () => {
    for (const { cases } of matrix) {
      const [{ simulated } = assert.fail("no strategy")] = cases
      assert.deepStrictEqual(simulate(simulated, 7), simulate(simulated, 7))
    }
  })
})
