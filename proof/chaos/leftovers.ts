import { setTimeout as sleep } from "node:timers/promises"
import { connectionsOf, type Server } from "../../test/e2e/support/observe.js"
import type { Observation } from "../checker/History.js"
import { slowness } from "../support/yardstick.js"

/** What the server may take to notice that a process is gone, on an idle machine. */
const noticedWithinMs = 30_000
const lookEveryMs = 250

/** Connections of the program that MySQL still has when all instances have ended: each may hold locks. */
export const connectionsLeft = async (
  server: Server,
  withinMs: number = noticedWithinMs * slowness()
): Promise<ReadonlyArray<Observation>> => {
  const since = performance.now()
  for (;;) {
    const count = await connectionsOf(server)
    if (count === 0) return []
    if (performance.now() - since > withinMs) {
      return [{ kind: "leak", process: "all that have ended", what: "connection", count }]
    }
    await sleep(lookEveryMs)
  }
}
