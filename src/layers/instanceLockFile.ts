/**
 * The live layer of `InstanceLock`: slots in the state directory. A process takes the first free `slot-N.lock` and keeps
 * its group members in `slot-N.members.json`. A slot whose lock is free belongs to nobody who lives, so its members are
 * dead. Several instances on one host take different slots and never name each other dead.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { FileLockFailed, tryLock } from "./embedded/fileLock.js"
import { type GroupMember, InstanceLock, layerNoop } from "./InstanceLock.js"

/** More instances on one host than this do without a slot. */
const slotsMax = 256
/** Dead members that are kept for removal; a coordinator has long forgotten the older ones. */
const membersMax = 1000

/** Never fails: without a usable directory it warns once and remembers nothing. */
export const layer = (stateDir: string): Layer.Layer<InstanceLock> =>
  Layer.unwrapScoped(
    make(stateDir).pipe(
      Effect.map((lock) => Layer.succeed(InstanceLock, lock)),
      Effect.catchTag("FileLockFailed", (error) =>
        Effect.as(
          Effect.logWarning(
            `${error.message}; a restart after a kill waits for the session time-out (set state.dir to a local, writable folder)`
          ),
          layerNoop
        ))
    )
  )

const make = Effect.fnUntraced(function*(stateDir: string) {
  yield* attempt(stateDir, () => mkdir(stateDir, { recursive: true }))
  const slot = yield* takeFreeSlot(stateDir, 0)
  const own = membersFile(stateDir, slot)
  const members = new Map<string, GroupMember>()
  const add = (found: ReadonlyArray<GroupMember>) => found.forEach((member) => members.set(keyOf(member), member))
  add(yield* readMembers(own))
  for (const other of yield* slotsWithMembers(stateDir)) {
    if (other === slot) continue
    const file = membersFile(stateDir, other)
    const inherit = Effect.gen(function*() {
      yield* tryLock(lockFile(stateDir, other))
      add(yield* readMembers(file))
      // Our file first, then theirs away, both under their lock: a kill between the two forgets no dead member.
      yield* save(own, members)
      yield* attempt(file, () => rm(file, { force: true }))
    })
    yield* Effect.scoped(inherit).pipe(Effect.catchTag("FileLocked", () => Effect.void))
  }
  const deadMembers = [...members.values()]
  const oneAtATime = yield* Effect.makeSemaphore(1)
  const change = (apply: () => void) =>
    oneAtATime.withPermits(1)(Effect.zipRight(Effect.sync(apply), save(own, members))).pipe(
      Effect.catchTag("FileLockFailed", (error) => Effect.logWarning(error.message)),
      // The member must be on disk before it is used; an interruption would leave the two apart.
      Effect.uninterruptible
    )
  return InstanceLock.of({
    deadMembers,
    record: (member) => change(() => add([member])),
    forget: (member) => change(() => members.delete(keyOf(member)))
  })
})

const takeFreeSlot = (stateDir: string, slot: number): Effect.Effect<number, FileLockFailed, Scope.Scope> =>
  slot >= slotsMax
    ? new FileLockFailed({ file: stateDir, what: `all ${slotsMax} slots are taken` })
    : tryLock(lockFile(stateDir, slot)).pipe(
      Effect.as(slot),
      Effect.catchTag("FileLocked", () => takeFreeSlot(stateDir, slot + 1))
    )

const lockFile = (stateDir: string, slot: number) => join(stateDir, `slot-${slot}.lock`)
const membersFile = (stateDir: string, slot: number) => join(stateDir, `slot-${slot}.members.json`)
const keyOf = (member: GroupMember) => JSON.stringify([member.group, member.memberId])

const slotsWithMembers = (stateDir: string) =>
  Effect.map(attempt(stateDir, () => readdir(stateDir)), (names) =>
    names.flatMap((name) => {
      const slot = /^slot-(\d{1,3})\.members\.json$/.exec(name)?.[1]
      return slot === undefined ? [] : [Number(slot)]
    }).toSorted((a, b) => a - b))

const Members = Schema.parseJson(Schema.Array(Schema.Struct({ group: Schema.String, memberId: Schema.String })))
const decodeMembers = Schema.decodeUnknownEither(Members)

/** No file: nobody. A file that is not ours, or damaged: nobody either, and said. */
const readMembers = Effect.fnUntraced(function*(file: string) {
  const names = yield* attempt(dirname(file), () => readdir(dirname(file)))
  if (!names.includes(basename(file))) return []
  const decoded = decodeMembers(yield* attempt(file, () => readFile(file, "utf8")))
  if (Either.isRight(decoded)) return decoded.right
  yield* Effect.logWarning(`${file} does not list group members and is ignored`)
  return []
})

/** By rename, so that a kill leaves the old list or the new one. Not synced: after a power cut the session has ended. */
const save = Effect.fnUntraced(function*(file: string, members: ReadonlyMap<string, GroupMember>) {
  const kept = [...members.values()].slice(-membersMax)
  yield* attempt(file, () => writeFile(`${file}.new`, JSON.stringify(kept)))
  yield* attempt(file, () => rename(`${file}.new`, file))
})

const attempt = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, FileLockFailed> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileLockFailed({ file, what: String(cause) }) })
