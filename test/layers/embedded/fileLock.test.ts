import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeReusableLock, tryLock } from "../../../src/layers/embedded/fileLock.js"
import { kill, startChild } from "../childProcess.js"
import { temporaryFolder } from "./temporaryFolder.js"

const isLocked = (file: string) =>
  Effect.scoped(tryLock(file)).pipe(Effect.as(false), Effect.catchTag("FileLocked", () => Effect.succeed(true)))

/** Descriptors of this process; 0 where they cannot be counted. */
const openFiles = () => process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0

describe("file lock", () => {
  it.scopedLive("is held by one scope at a time and free again when that closes", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "a.lock")
      for (let round = 0; round < 3; round++) {
        const scope = yield* Scope.make()
        yield* Scope.extend(tryLock(file), scope)
        // Who asks and gives up leaves no trace that would lock out the next.
        for (let asked = 0; asked < 5; asked++) assert.isTrue(yield* isLocked(file))
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* isLocked(file))
      }
    }))

  it.scopedLive("asking for a lock again and again leaks no descriptor", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* tryLock(join(folder, "a.lock"))
      const lock = yield* makeReusableLock(join(folder, "b.lock"))
      const before = openFiles()
      for (let round = 0; round < 500; round++) yield* lock.whileHeld(Effect.void)
      assert.isAtMost(openFiles(), before + 2)
    }))

  it.scopedLive("a lock that is taken and given back excludes others meanwhile, and whoever waited gets it", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "a.lock")
      const [a, b, c] = yield* Effect.all([makeReusableLock(file), makeReusableLock(file), makeReusableLock(file)])
      const taken = (lock: typeof a) =>
        Effect.match(lock.whileHeld(Effect.void), { onFailure: ({ _tag }) => _tag, onSuccess: () => "taken" })
      const inside = yield* a.whileHeld(Effect.all([taken(b), taken(c), taken(b)]))
      assert.deepStrictEqual(inside, ["FileLocked", "FileLocked", "FileLocked"])
      // All three have met a busy lock by now; none of them may stand in another's way.
      for (let round = 0; round < 3; round++) {
        assert.deepStrictEqual(yield* Effect.all([taken(a), taken(b), taken(c)]), ["taken", "taken", "taken"])
      }
      // A failure gives the lock back.
      assert.strictEqual(yield* Effect.flip(a.whileHeld(Effect.fail("broken"))), "broken")
      assert.strictEqual(yield* taken(b), "taken")
    }))

  it.scopedLive("a folder that is missing and a file that is none are told, not thrown", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      assert.strictEqual((yield* Effect.flip(tryLock(join(folder, "none", "a.lock"))))._tag, "FileLockFailed")
      mkdirSync(join(folder, "folder.lock"))
      assert.strictEqual((yield* Effect.flip(tryLock(join(folder, "folder.lock"))))._tag, "FileLockFailed")
      writeFileSync(join(folder, "text.lock"), "This is not a database, and not an empty file either.".repeat(20))
      assert.strictEqual((yield* Effect.flip(tryLock(join(folder, "text.lock"))))._tag, "FileLockFailed")
    }))

  it.scopedLive("kill -9 of the holder frees it at once; a stopped holder keeps it", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "a.lock")
      const { child } = yield* startChild("lockHolder.ts", "lock", file)
      assert.isTrue(yield* isLocked(file))
      child.kill("SIGSTOP")
      assert.isTrue(yield* isLocked(file))
      child.kill("SIGCONT")
      assert.isTrue(yield* isLocked(file))
      yield* kill(child)
      assert.isFalse(yield* isLocked(file))
    }), 180_000)

  it.scopedLive("a holder that was killed while it was stopped holds nothing any more", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "a.lock")
      const { child } = yield* startChild("lockHolder.ts", "lock", file)
      child.kill("SIGSTOP")
      yield* kill(child)
      assert.isFalse(yield* isLocked(file))
    }), 180_000)
})
