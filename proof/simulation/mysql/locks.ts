/** How a wait for a lock ends. */
export type Wait = "granted" | "timeout" | "deadlock"

/** Something that one transaction holds at a time: a row, or the place of one that is not there yet. */
export class Lockable {
  holder: Owner | undefined = undefined
  readonly queue: Array<Owner> = []

  /** Told once nobody holds it and nobody waits for it. */
  forgotten(): void {}
}

/** What holds locks and waits for at most one: a transaction. */
export class Owner {
  readonly held: Array<Lockable> = []
  waitsFor: Lockable | undefined = undefined
  wake: ((how: Wait) => void) | undefined = undefined
  /** How much it has changed: of a deadlock's transactions the one with least work is rolled back. */
  weight = 0
}

/** Takes the lock if it is free; true where it is then, or was already, the owner's. */
export const take = (owner: Owner, thing: Lockable): boolean => {
  if (thing.holder === owner) return true
  if (thing.holder !== undefined || thing.queue.length > 0) return false
  thing.holder = owner
  owner.held.push(thing)
  return true
}

/** Everybody that `owner` waits for, one behind another, where that leads back to it. */
const cycleOf = (owner: Owner): ReadonlyArray<Owner> | undefined => {
  const path: Array<Owner> = [owner]
  let next = owner.waitsFor?.holder
  while (next !== undefined && next !== owner) {
    path.push(next)
    next = next.waitsFor?.holder
  }
  return next === owner ? path : undefined
}

/**
 * Queues for the lock. `wake` is called later, once: when it is granted, when the wait is given up, or when this or
 * another wait closes a circle of which this owner is the victim.
 */
export const wait = (owner: Owner, thing: Lockable, wake: (how: Wait) => void): void => {
  owner.waitsFor = thing
  owner.wake = wake
  thing.queue.push(owner)
  const cycle = cycleOf(owner)
  if (cycle === undefined) return
  const victim = cycle.reduce((lightest, one) => one.weight < lightest.weight ? one : lightest)
  giveUp(victim, "deadlock")
}

/** Ends a wait without the lock. */
export const giveUp = (owner: Owner, how: "timeout" | "deadlock"): void => {
  const wake = stopWaiting(owner)
  wake?.(how)
}

/** Takes the owner out of its queue, and tells nobody. */
export const stopWaiting = (owner: Owner): ((how: Wait) => void) | undefined => {
  const { waitsFor: thing, wake } = owner
  if (thing === undefined) return undefined
  thing.queue.splice(thing.queue.indexOf(owner), 1)
  owner.waitsFor = undefined
  owner.wake = undefined
  if (thing.holder === undefined && thing.queue.length === 0) thing.forgotten()
  return wake
}

/** Hands the lock to who has waited longest. */
export const release = (thing: Lockable): void => {
  thing.holder = undefined
  const next = thing.queue.shift()
  if (next === undefined) return thing.forgotten()
  thing.holder = next
  next.held.push(thing)
  const { wake } = next
  next.waitsFor = undefined
  next.wake = undefined
  wake?.("granted")
}
