import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as fc from "fast-check"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type GroupMember, InstanceLock } from "../../src/layers/InstanceLock.js"
import { layer } from "../../src/layers/instanceLockFile.js"
import { kill, startChild } from "./childProcess.js"
import { temporaryFolder } from "./embedded/temporaryFolder.js"

const member = (memberId: string): GroupMember => ({ group: "group-orders", memberId })

/** An instance that lives until it is stopped; its death leaves its files as a kill would. */
const start = (stateDir: string) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const lock = Context.get(yield* Scope.extend(Layer.build(layer(stateDir)), scope), InstanceLock)
    return { lock, die: Scope.close(scope, Exit.void) }
  })

describe("instance lock", () => {
  it.scopedLive("a successor is told the members of the one that died, until they are forgotten", () =>
    Effect.gen(function*() {
      const stateDir = join(yield* temporaryFolder, "state", "deeper")
      const first = yield* start(stateDir)
      assert.deepStrictEqual(first.lock.deadMembers, [])
      yield* first.lock.record(member("a"))
      yield* first.lock.record(member("left by itself"))
      yield* first.lock.forget(member("left by itself"))
      yield* first.die
      const second = yield* start(stateDir)
      assert.deepStrictEqual(second.lock.deadMembers, [member("a")])
      yield* second.die
      // Nobody has removed it from the group yet.
      const third = yield* start(stateDir)
      assert.deepStrictEqual(third.lock.deadMembers, [member("a")])
      yield* third.lock.forget(member("a"))
      yield* third.die
      const fourth = yield* start(stateDir)
      assert.deepStrictEqual(fourth.lock.deadMembers, [])
      yield* fourth.die
    }))

  it.scopedLive("whichever slot is free, what died in the others is found", () =>
    Effect.gen(function*() {
      const stateDir = yield* temporaryFolder
      const all = yield* Effect.forEach(["a", "b", "c"], (name) =>
        Effect.tap(start(stateDir), ({ lock }) => lock.record(member(name))))
      assert.deepStrictEqual(
        all.map(({ lock }) =>
          lock.deadMembers
        ),
        [[], [], []]
      )
      const [a, b, c] = all
      yield* Effect.all([c?.die ?? Effect.void, b?.die ?? Effect.void])
      // Slot 1 is free, slot 2 holds a dead member too, slot 0 lives.
      const next = yield* start(stateDir)
      assert.deepStrictEqual(next.lock.deadMembers, [member("b"), member("c")])
      yield* next.die
      yield* a?.die ?? Effect.void
    }))

  // Model: a member is dead once its instance is; an instance may be told dead ones only, and each of them as long as
  // nobody has forgotten it.
  it.effect.prop(
    "no instance that lives is ever called dead, and no dead member is lost",
    [fc.array(fc.record({ action: fc.constantFrom("start", "die", "forget"), which: fc.nat(7) }), { maxLength: 20 })],
    ([steps]) =>
      Effect.scoped(Effect.gen(function*() {
        const stateDir = yield* temporaryFolder
        const living = new Map<string, Effect.Effect.Success<ReturnType<typeof start>>>()
        const dead = new Set<string>()
        let count = 0
        for (const { action, which } of steps) {
          const [name, instance] = [...living][which % Math.max(living.size, 1)] ?? []
          if (action === "start") {
            const fresh = yield* start(stateDir)
            const told = fresh.lock.deadMembers.map(({ memberId }) => memberId)
            // What an instance that lives has inherited and not yet forgotten is its business: only that may be missing.
            assert.isTrue(told.every((memberId) => dead.has(memberId)), `${told.join()} of ${[...dead].join()}`)
            const inherited = [...living.values()].flatMap(({ lock }) => lock.deadMembers.map((_) => _.memberId))
            const missing = [...dead].filter((memberId) => !told.includes(memberId) && !inherited.includes(memberId))
            assert.deepStrictEqual(missing, [])
            yield* fresh.lock.record(member(`m${count}`))
            living.set(`m${count++}`, fresh)
          } else if (name !== undefined && instance !== undefined && action === "die") {
            yield* instance.die
            living.delete(name)
            dead.add(name)
          } else if (instance !== undefined) {
            for (const gone of instance.lock.deadMembers) {
              yield* instance.lock.forget(gone)
              dead.delete(gone.memberId)
            }
          }
        }
        yield* Effect.forEach(living.values(), ({ die }) => die)
      })),
    { fastCheck: { numRuns: 15 }, timeout: 180_000 }
  )

  it.scopedLive("a damaged members file, and one of another program, hold up nobody", () =>
    Effect.gen(function*() {
      const stateDir = yield* temporaryFolder
      const first = yield* start(stateDir)
      yield* first.lock.record(member("a"))
      yield* first.die
      const file = join(stateDir, "slot-0.members.json")
      writeFileSync(file, readFileSync(file, "utf8").slice(0, -3))
      const second = yield* start(stateDir)
      assert.deepStrictEqual(second.lock.deadMembers, [])
      yield* second.die
    }))

  it.scopedLive("a directory that cannot be made leaves everything to the session time-out", () =>
    Effect.gen(function*() {
      const stateDir = join(yield* temporaryFolder, "file")
      writeFileSync(stateDir, "")
      const { die, lock } = yield* start(join(stateDir, "below"))
      assert.deepStrictEqual(lock.deadMembers, [])
      yield* lock.record(member("a"))
      yield* lock.forget(member("a"))
      yield* die
    }))

  it.scopedLive(
    "after kill -9 the members are dead, while the process is only stopped they are not",
    () =>
      Effect.gen(function*() {
        const stateDir = yield* temporaryFolder
        const { child } = yield* startChild("lockHolder.ts", "slot", stateDir, "killed")
        child.kill("SIGSTOP")
        const beside = yield* start(stateDir)
        assert.deepStrictEqual(beside.lock.deadMembers, [])
        yield* beside.die
        yield* kill(child)
        const after = yield* start(stateDir)
        assert.deepStrictEqual(after.lock.deadMembers, [{ group: "group", memberId: "killed" }])
        yield* after.die
      }),
    180_000
  )
})
