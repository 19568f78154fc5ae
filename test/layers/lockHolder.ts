/** A process that takes a lock, or a slot of a state directory, says so on stdout and holds it until it is killed. */
import { Console, Effect, Layer } from "effect"
import { tryLock } from "../../src/layers/embedded/fileLock.js"
import { InstanceLock } from "../../src/layers/InstanceLock.js"
import { layer } from "../../src/layers/instanceLockFile.js"

const [, , kind = "", path = "", memberId = ""] = process.argv
const hold = kind === "lock"
  ? tryLock(path)
  : Effect.flatMap(Layer.build(layer(path)), (context) =>
    Effect.provide(
      Effect.flatMap(InstanceLock, (lock) =>
        Effect.zipRight(
          lock.record({ group: "group", memberId }),
          Console.log(`dead ${JSON.stringify(lock.deadMembers)}`)
        )),
      context
    ))
void Effect.runPromise(Effect.scoped(Effect.zipRight(Effect.zipRight(hold, Console.log("held")), Effect.never)))
// A lock alone does not keep a process alive.
setInterval(() => {}, 60_000)
