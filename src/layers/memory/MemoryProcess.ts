import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"

/** A process in a simulation: all fibers that come from one effect. */
export interface MemoryProcess<A, E> {
  /**
   * SIGKILL: nothing of it runs any more, no finalizer either. What a server has done for it stays; its memberships
   * stay in their groups until their sessions end. A fiber that kills its own process does not go on.
   */
  readonly kill: Effect.Effect<void>
  /** SIGSTOP: it stands still, while its time goes on: time-outs, heartbeats and answers are due when it is thawed. */
  readonly freeze: Effect.Effect<void>
  /** SIGCONT: it goes on where it was, and knows nothing of the time between. */
  readonly thaw: Effect.Effect<void>
  /** SIGTERM: interrupts it, and waits for its finalizers. */
  readonly stop: Effect.Effect<void>
  /** How it ends by itself or was stopped; never returns for one that was killed. */
  readonly exit: Effect.Effect<Exit.Exit<A, E>>
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/**
 * Decides whether the fibers of a process have their turn. A process is stopped here and not in its services, because
 * a signal stops everything: code between two calls, sleeps, finalizers and what it prints.
 */
class ProcessScheduler implements Scheduler.Scheduler {
  private state: "running" | "frozen" | "dead" = "running"
  /**
   * What has come since it was frozen. After that it runs in the order in which it came, with all that follows from it
   * until nothing is left: the machine's scheduler, which picks, does not know which fiber has scheduled what here.
   */
  private held: Array<Scheduler.Task> = []
  private readonly machine: Scheduler.Scheduler

  constructor(machine: Scheduler.Scheduler) {
    this.machine = machine
  }

  shouldYield(fiber: AnyFiber): number | false {
    return this.machine.shouldYield(fiber)
  }

  scheduleTask(task: Scheduler.Task, priority: number, fiber?: AnyFiber): void {
    if (this.held.length > 0) this.hold(task)
    else this.machine.scheduleTask(() => this.turn(task), priority, fiber)
  }

  kill(): void {
    this.state = "dead"
    this.held = []
  }

  freeze(): void {
    if (this.state === "running") this.state = "frozen"
  }

  thaw(): void {
    if (this.state !== "frozen") return
    this.state = "running"
    for (const _ of this.held) this.machine.scheduleTask(this.next, 0)
  }

  get isRunning(): boolean {
    return this.state === "running"
  }

  private turn(task: Scheduler.Task): void {
    if (this.state === "running" && this.held.length === 0) task()
    else if (this.state !== "dead") this.hold(task)
  }

  private hold(task: Scheduler.Task): void {
    this.held.push(task)
    if (this.state === "running") this.machine.scheduleTask(this.next, 0)
  }

  /** It stays where it is while it runs, so that what it schedules comes behind the others. */
  private readonly next = (): void => {
    if (this.state !== "running") return
    this.held[0]?.()
    this.held.shift()
  }
}

/**
 * Starts a process. When the scope closes it is stopped if it runs, and killed if it is frozen. It may share nothing with
 * others but servers (see `makeAtServer`).
 */
export const startProcess = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<MemoryProcess<A, E>, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    const scheduler = new ProcessScheduler(yield* FiberRef.get(FiberRef.currentScheduler))
    const kill = Effect.zipRight(Effect.sync(() => scheduler.kill()), Effect.yieldNow())
    const fiber = yield* Effect.acquireRelease(
      // A daemon: nobody must wait for the end of a fiber that may never have another turn.
      Effect.withScheduler(Effect.forkDaemon(Effect.interruptible(effect)), scheduler),
      (started) => scheduler.isRunning ? Fiber.interrupt(started) : kill
    )
    return {
      kill,
      freeze: Effect.zipRight(Effect.sync(() => scheduler.freeze()), Effect.yieldNow()),
      thaw: Effect.sync(() => scheduler.thaw()),
      stop: Effect.asVoid(Fiber.interrupt(fiber)),
      exit: Fiber.await(fiber)
    }
  })

/** Does for a client what takes a server time or locks, to the end. */
export type AtServer = <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * For a server that processes share, made outside of them: what it does for one of them goes on when the process is
 * killed or frozen, so that no lock stays taken. The process hears of it when it has its next turn.
 */
export const makeAtServer: Effect.Effect<AtServer> = Effect.map(
  FiberRef.get(FiberRef.currentScheduler),
  (machine): AtServer => (request) => Effect.onExit(Effect.withScheduler(request, machine), () => Effect.yieldNow())
)
