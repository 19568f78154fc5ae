import { assert, it } from "@effect/vitest"
import * as fc from "fast-check"
import { decideSource, type KnownSource } from "../../src/domain/SourceDecision.js"

const wanted = fc.record({
  clusterId: fc.constantFrom("c1", "c2"),
  topicId: fc.constantFrom("", "t1", "t2"),
  pipeline: fc.constantFrom("p1", "p2")
})
const known = fc.array(fc.tuple(wanted, fc.boolean()), { maxLength: 5 }).map((all) =>
  all.map(([source, inUse], index): KnownSource => ({ ...source, id: index + 1, inUse }))
)
const differs = (a: { topicId: string; clusterId: string }, b: { topicId: string; clusterId: string }) =>
  a.clusterId !== b.clusterId || (a.topicId !== b.topicId && a.topicId !== "" && b.topicId !== "")

it.prop("offsets in use of another life are never passed over", [known, wanted], ([sources, identity]) => {
  const decision = decideSource(sources, identity)
  const foreign = sources.filter((source) => source.inUse && differs(source, identity))
  if (foreign.length > 0) assert.strictEqual(decision._tag, "Refuse")
})

it.prop("what is used is of this life and this pipeline", [known, wanted], ([sources, identity]) => {
  const decision = decideSource(sources, identity)
  if (decision._tag !== "Use") return
  const used = sources.find(({ id }) => id === decision.id)
  if (used === undefined) return assert.fail("the source to use is not one of those that are known")
  assert.strictEqual(used.pipeline, identity.pipeline)
  assert.isFalse(differs(used, identity))
  // Another row of this life that is in use would be passed over.
  const inUse = sources.filter((source) => source.inUse)
  if (inUse.length > 0 && !used.inUse) assert.isTrue(inUse.every((source) => differs(source, identity)))
})

it.prop("it is created only where nothing of this life is known", [known, wanted], ([sources, identity]) => {
  const decision = decideSource(sources, identity)
  const same = sources.filter((source) => !differs(source, identity))
  assert.strictEqual(
    decision._tag === "Create",
    same.length === 0 && sources.every((source) => !source.inUse || !differs(source, identity))
  )
})
