import { assert, describe, it } from "@effect/vitest"
import { comparable, consoleBlocks, withOutputs } from "../support/consolePage.js"

const page = ["# Title", "```console", "$ one | sort", "a", "", "b", "```", "text", "```bash", "$ no", "```", ""].join(
  "\n"
)
const members = ["```console unordered", "$ two", "consumer-thread-0 >> x", "consumer-thread-1 >> y", "```", ""].join(
  "\n"
)
describe("a page of commands and their outputs", () => {
  it("has the blocks that are marked, in order", () => {
    assert.deepStrictEqual(consoleBlocks(page + members), [
      { command: "one | sort", output: "a\n\nb\n", unordered: false },
      { command: "two", output: "consumer-thread-0 >> x\nconsumer-thread-1 >> y\n", unordered: true }
    ])
  })

  it("takes over what differs, a dollar sign included, and nothing else", () => {
    const updated = withOutputs(page + members, ["a\n$1\n", "consumer-thread-0 >> y\nconsumer-thread-1 >> x\n"])
    assert.strictEqual(updated, page.replace("a\n\nb", "a\n$1") + members)
  })

  it("a line less is a difference, also where order is none", () => {
    const [, two = assert.fail()] = consoleBlocks(page + members)
    assert.notStrictEqual(comparable("consumer-thread-0 >> x\n", true), comparable(two.output, true))
  })

  it("the same records are no difference, whoever of a group had their partition, where order is none", () => {
    const one = "consumer-thread-0 >> Assigned partitions. a-0@0 (took 9 ms)\nconsumer-thread-0 >> x\n"
    const other = "consumer-thread-0 >> Assigned partitions. none: (took 9 ms)\nconsumer-thread-1 >> x\n"
    assert.strictEqual(comparable(one, true), comparable(other, true))
    assert.notStrictEqual(comparable(one), comparable(other))
  })
})

describe("two runs of a command", () => {
  const same: ReadonlyArray<readonly [string, string]> = [
    ["2026-11-21T12:41:03.520Z [main] INFO x", "2026-11-22T00:00:00.000Z [main] INFO x"],
    ["CreateTime: 1795264925422 size: 78", "CreateTime: 1795264925423 size: 78"],
    ["Assigned partitions. a-0@0 (took 9 ms)", "Assigned partitions. a-0@0 (took 3189 ms)"],
    [
      "numbers       12   1     15      0.5         27       0",
      "numbers       12   1     15     10.0          1       0"
    ],
    [
      "9 records sent, 9.2 records/sec, 247 ms 99th, 0 errors.",
      "9 records sent, 1.0 records/sec, 1 ms 99th, 0 errors."
    ],
    ["a  numbers  0  10  12  2  17 s  -  OK", "a  numbers  0  10  12  2  2 min  -  OK"],
    ["one >> records-lag-max is NaN", "one >> records-lag-max is 0.5"]
  ]
  for (const [one, other] of same) {
    it(`may differ: ${one}`, () => assert.strictEqual(comparable(one), comparable(other)))
  }

  const different: ReadonlyArray<readonly [string, string]> = [
    ["Assigned partitions. a-0@0 (took 9 ms)", "Assigned partitions. a-0@5 (took 9 ms)"],
    [
      "numbers       12   1     15      0.5         27       0",
      "numbers       12   1     15      0.5         27       1"
    ],
    [
      "9 records sent, 9.2 records/sec, 247 ms 99th, 0 errors.",
      "9 records sent, 9.2 records/sec, 247 ms 99th, 1 errors."
    ],
    ["a  numbers  0  10  12  2  17 s  -  OK", "a  numbers  0  5  12  7  17 s  -  OK"],
    ["sync, kill -9: taken over after 11.7 s", "sync, kill -9: taken over after 1.7 s"],
    ["sync            1       300        350     0        50", "sync            1       300        350     0        51"]
  ]
  for (const [one, other] of different) {
    it(`is the same command only if equal: ${one}`, () => assert.notStrictEqual(comparable(one), comparable(other)))
  }
})
