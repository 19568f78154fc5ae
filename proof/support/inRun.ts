import { endWith } from "../../test/e2e/support/atEnd.js"

/** Ends what the body has started through `atEnd`, the last first, also when it fails or is told to stop (Ctrl-C). */
export const inRun = async <A>(body: (stop: AbortSignal) => Promise<A>): Promise<A> => {
  const acts: Array<() => unknown> = []
  endWith((act) => void acts.push(act))
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal)
  try {
    return await body(stop.signal)
  } finally {
    for (const act of acts.toReversed()) await act()
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
  }
}
