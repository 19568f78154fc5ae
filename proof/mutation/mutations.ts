import { chaining } from "./list/chain.js"
import { client } from "./list/client.js"
import { deciding } from "./list/deciding.js"
import { fetching } from "./list/fetching.js"
import { others } from "./list/others.js"
import { owning } from "./list/ownership.js"
import { writing } from "./list/write.js"
import type { Mutation } from "./Mutation.js"

/** Everything that the guarantee rests on, in the order of docs/protocol.md. */
export const mutations: ReadonlyArray<Mutation> = [
  ...writing,
  ...owning,
  ...chaining,
  ...fetching,
  ...client,
  ...deciding,
  ...others
].toSorted((a, b) => (a.section ?? 99) - (b.section ?? 99))
