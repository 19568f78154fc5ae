import { Effect } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder of its own for one test, with a name that a careless URL or shell would break. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "tributary test #%20-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)
