import { bounding } from "./list/bounds.js"
import { chaining } from "./list/chain.js"
import { client } from "./list/client.js"
import { correcting } from "./list/corrections.js"
import { deciding } from "./list/deciding.js"
import { fetching } from "./list/fetching.js"
import { lasting } from "./list/lasting.js"
import { others } from "./list/others.js"
import { owning } from "./list/ownership.js"
import { settling } from "./list/session.js"
import { writing } from "./list/write.js"
import type { Mutation } from "./Mutation.js"

/** Everything that the guarantee rests on, in the order of docs/protocol.md. */
export const mutations: ReadonlyArray<Mutation> = [
  ...settling,
  ...writing,
  ...owning,
  ...chaining,
  ...fetching,
  ...bounding,
  ...client,
  ...deciding,
  ...lasting,
  ...correcting,
  ...others
].toSorted((a, b) => (a.section ?? 99) - (b.section ?? 99))

const byId = new Map(mutations.map((mutation) => [mutation.id, mutation]))

/** In the order of the list, whichever of them names the others. */
const removedWith = ({ id, together }: Mutation): ReadonlyArray<Mutation> => {
  const ids = new Set([id, ...together?.ids ?? []])
  const all = mutations.filter((mutation) => ids.has(mutation.id))
  if (all.length < ids.size) {
    throw new Error(`${id}: ${[...ids].filter((some) => !byId.has(some)).join()} is no mutation`)
  }
  return all
}

/** Of the mutation that removes it together with what makes good for it. */
export const togetherId = (mutation: Mutation): string => removedWith(mutation).map(({ id }) => id).join("+")

const together = (mutation: Mutation): Mutation => {
  const tests = mutation.together?.tests ?? []
  return {
    id: togetherId(mutation),
    mechanism: `without all of these: ${removedWith(mutation).map(({ id }) => id).join(", ")}`,
    promise: mutation.promise,
    ...(mutation.section === undefined ? {} : { section: mutation.section }),
    edits: removedWith(mutation).flatMap(({ edits }) => edits),
    simulated: tests.length === 0 ? "finds" : "seldom",
    tests
  }
}

/** What makes good for another is only known to do so when both are removed and somebody notices. */
export const combinations: ReadonlyArray<Mutation> = Array.from(
  new Map(
    mutations.flatMap((mutation) =>
      mutation.together === undefined ? [] : [[togetherId(mutation), together(mutation)] as const]
    )
  ).values()
)
