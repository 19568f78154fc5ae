import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { faults } from "../../proof/chaos/faults.js"
import { optionsOf } from "../../proof/chaos/options.js"
import { chapterMs, drawChapter, faultKinds } from "../../proof/chaos/schedule.js"

it("a seed draws the same faults each time, another seed and another chapter others", () => {
  assert.deepStrictEqual(drawChapter(7, 3), drawChapter(7, 3))
  assert.notDeepEqual(drawChapter(7, 3).faults, drawChapter(8, 3).faults)
  assert.notDeepEqual(drawChapter(7, 3).faults, drawChapter(7, 4).faults)
})

it("an hour draws every kind of fault, in chapters that leave some out, with overlaps and pauses", () => {
  const chapters = Array.from({ length: 40 }, (_, index) => drawChapter(1, index))
  const drawn = new Set(chapters.flatMap((chapter) => chapter.faults.map(({ kind }) => kind)))
  assert.sameMembers([...drawn], [...faultKinds])
  assert.sameMembers(Object.keys(faults), [...faultKinds])
  for (const { faults: planned, kinds } of chapters) {
    assert.isBelow(kinds.length, faultKinds.length)
    assert.isAbove(planned.length, 3)
    for (const { atMs, kind } of planned) {
      assert.include(kinds, kind)
      assert.isBelow(atMs, chapterMs)
    }
  }
  const pairs = chapters.flatMap(({ faults: planned }) =>
    planned.flatMap((one, index) => {
      const next = planned[index + 1]
      return next === undefined ? [] : [next.atMs - one.atMs - one.durationMs]
    })
  )
  assert.isTrue(pairs.some((gapMs) => gapMs < 0))
  assert.isTrue(pairs.some((gapMs) => gapMs > 3000))
})

it("the minute that CI runs each time draws most kinds, and all that zombies and unknown outcomes come from", () => {
  const ci = readFileSync(".ci/run", "utf8")
  const [, seed] = /chaos -- --minutes 1 --seed (\d+)/u.exec(ci) ?? []
  const drawn = new Set(drawChapter(Number(seed), 0, 60_000).faults.map(({ kind }) => kind))
  assert.isAtLeast(drawn.size, 18)
  assert.includeMembers([...drawn], [
    "kill an instance",
    "freeze an instance",
    "stop an instance",
    "kill a broker",
    "move leaders",
    "kill MySQL",
    "kill connections",
    "cut at COMMIT",
    "silence at COMMIT",
    "half-open connections"
  ])
})

it("wrong options are none", () => {
  assert.deepStrictEqual(optionsOf(["--minutes", "1", "--instances", "2", "--seed", "5"]), {
    minutes: 1,
    instances: 2,
    seed: 5
  })
  assert.deepInclude(optionsOf([]), { minutes: 10, instances: 3 })
  for (const wrong of [["--minutes", "0"], ["--instances", "9"], ["--seed", "-1"], ["--seed", "x"], ["--sed", "1"]]) {
    assert.isUndefined(optionsOf(wrong), wrong.join(" "))
  }
})
