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
