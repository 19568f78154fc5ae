import { Schema } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { type Asked, rowsOf } from "../../test/e2e/support/database.js"
import { account, type World } from "../../test/e2e/support/World.js"
import type { Observation } from "../checker/History.js"
import { slowness } from "../support/yardstick.js"

/** What the server may take to notice that a process is gone, on an idle machine. */
const noticedWithinMs = 30_000
const lookEveryMs = 250

const Count = Schema.Struct({ n: Schema.NumberFromString })

interface Looked {
  readonly sql: Asked
  readonly world: Pick<World, "database">
}

const connectionsOf = async ({ sql, world }: Looked): Promise<number> => {
  const query = `SELECT CAST(COUNT(*) AS CHAR) AS n FROM information_schema.processlist
    WHERE user = '${account.user}' AND db = '${world.database}'`
  const [found] = await rowsOf(sql, Count, query)
  return found?.n ?? 0
}

/** Connections of the program that MySQL still has when all instances have ended: each may hold locks. */
export const connectionsLeft = async (
  site: Looked,
  withinMs: number = noticedWithinMs * slowness()
): Promise<ReadonlyArray<Observation>> => {
  const since = performance.now()
  for (;;) {
    const count = await connectionsOf(site)
    if (count === 0) return []
    if (performance.now() - since > withinMs) {
      return [{ kind: "leak", process: "all that have ended", what: "connection", count }]
    }
    await sleep(lookEveryMs)
  }
}
