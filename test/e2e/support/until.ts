import { setTimeout as sleep } from "node:timers/promises"

/** Longest wait for something that takes seconds on an idle machine: a busy one may take many times as long. */
export const patienceMs = 120_000

interface Waiting {
  readonly withinMs?: number
  readonly everyMs?: number
  /** What to look at when it does not come. */
  readonly about?: () => string
}

/** Asks again until there is an answer, at most for `withinMs`. What it waits for has no event that could tell us. */
export const until = async <A>(
  what: string,
  ask: () => A | undefined | Promise<A | undefined>,
  { about = () => "", everyMs = 50, withinMs = patienceMs }: Waiting = {}
): Promise<A> => {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}\n${about()}`)
    await sleep(everyMs)
  }
}
