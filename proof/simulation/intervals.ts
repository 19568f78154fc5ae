import * as GlobalValue from "effect/GlobalValue"

/**
 * Clears the intervals that `body` has begun and left. `Effect.never` holds one, so that a program that waits for ever
 * does not end; a process that is killed in the simulation leaves its own behind, and with it this process would never
 * end either.
 */
export const clearingIntervals = <A>(body: () => A): A => {
  const { setInterval } = globalThis
  const begun: Array<NodeJS.Timeout> = []
  globalThis.setInterval = new Proxy(setInterval, {
    apply: (begin, self, args) => {
      const timer = Reflect.apply(begin, self, args)
      begun.push(timer)
      return timer
    }
  })
  try {
    return body()
  } finally {
    globalThis.setInterval = setInterval
    for (const timer of begun) clearInterval(timer)
  }
}

/** Effect's own set of the fibers that nobody has forked: the programs of all processes are such. */
const globalScope = GlobalValue.globalValue<{ readonly roots: Set<unknown> }>(
  Symbol.for("effect/FiberScope/Global"),
  () => ({ roots: new Set() })
)

/**
 * Forgets the fibers that `body` has begun and that have not ended. Effect knows every daemon until its end, and that of
 * a killed process never ends: with it all worlds would stay in memory, a megabyte a run.
 */
export const forgettingFibers = <A>(body: () => A): A => {
  const before = new Set(globalScope.roots)
  try {
    return body()
  } finally {
    for (const fiber of globalScope.roots) if (!before.has(fiber)) globalScope.roots.delete(fiber)
  }
}
