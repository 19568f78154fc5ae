import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"

/** Which fibers of a simulation have their turn, and for how long. */
export interface TaskScheduler extends Scheduler.Scheduler {
  /** Runs one task; false when nothing can run. */
  readonly step: () => boolean
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** As in production: in the order in which they were scheduled, 2048 operations at a time. */
export const makeFifoScheduler = (): TaskScheduler => {
  const tasks: Array<Scheduler.Task> = []
  return {
    scheduleTask: (task) => {
      tasks.push(task)
    },
    shouldYield: (fiber) => fiber.currentOpCount > 2048 ? 0 : false,
    step: () => {
      const task = tasks.shift()
      task?.()
      return task !== undefined
    }
  }
}

interface Entry {
  readonly task: Scheduler.Task
  /** When it was scheduled, among all. */
  readonly order: number
  done: boolean
}

/** What waits for one fiber, and what that fiber has scheduled for others. */
interface Lane {
  readonly fiber: AnyFiber | undefined
  readonly waiting: Array<Entry>
  readonly scheduled: Array<Entry>
}

/**
 * Picks among the fibers that can run, and makes each give up its turn after a random number of operations. Not any task
 * may come next, because Effect relies on two orders, which hold in production whatever else happens:
 *
 * - The tasks of one fiber keep theirs: an interruption must not overtake the start of the fiber that it ends.
 * - What a fiber has scheduled for others comes before its own next task. `Effect.forEach` forks one fiber that starts
 *   all the others; where its caller is interrupted and runs before that one has started, nothing is left to do and
 *   nobody to say so: it waits for ever.
 *
 * The oldest task of all breaks neither, so something can always run.
 */
export const makePickingScheduler = (random: () => number): TaskScheduler => {
  const lanes = new Map<AnyFiber | undefined, Lane>()
  const busy: Array<Lane> = []
  let running: Lane | undefined
  let order = 0
  const operations = () => Math.ceil(random() ** 3 * 512)
  let turn = operations()

  const laneOf = (fiber: AnyFiber | undefined): Lane => {
    const known = lanes.get(fiber)
    if (known !== undefined) return known
    const made: Lane = { fiber, waiting: [], scheduled: [] }
    lanes.set(fiber, made)
    return made
  }
  const mayRun = ({ scheduled, waiting }: Lane): boolean => {
    while (scheduled[0]?.done === true) scheduled.shift()
    const [first] = scheduled
    const [next] = waiting
    return next !== undefined && (first === undefined || first.order > next.order)
  }
  const pick = (): number => {
    const start = busy.length < 2 ? 0 : Math.floor(random() * busy.length)
    for (let index = start; index < busy.length; index++) {
      const lane = busy[index]
      if (lane !== undefined && mayRun(lane)) return index
    }
    return busy.findIndex(mayRun)
  }
  return {
    scheduleTask: (task, _priority, fiber) => {
      // What belongs to no fiber is its scheduler's own: a mailbox that hands over what was just offered.
      const lane = laneOf(fiber ?? running?.fiber)
      const entry: Entry = { task, order: order++, done: false }
      if (lane.waiting.push(entry) === 1) busy.push(lane)
      if (running !== undefined && running !== lane) running.scheduled.push(entry)
    },
    shouldYield: (fiber) => {
      if (fiber.currentOpCount <= turn) return false
      turn = operations()
      return 0
    },
    step: () => {
      const index = pick()
      const lane = busy[index]
      const entry = lane?.waiting.shift()
      if (lane === undefined || entry === undefined) return false
      if (lane.waiting.length === 0) {
        const last = busy.pop()
        if (last !== undefined && last !== lane) busy[index] = last
      }
      entry.done = true
      running = lane
      entry.task()
      running = undefined
      if (lane.waiting.length === 0 && (lane.scheduled.length === 0 || mayForget(lane))) lanes.delete(lane.fiber)
      return true
    }
  }
}

/** Nothing that the fiber has scheduled is left to run before it. */
const mayForget = ({ scheduled }: Lane): boolean => {
  while (scheduled[0]?.done === true) scheduled.shift()
  return scheduled.length === 0
}
