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

/**
 * Decides whether the fibers of a process have their turn. A process is stopped here and not in its services, because
 * a signal stops everything: code between two calls, sleeps, finalizers and what it prints.
 */
class ProcessScheduler implements Scheduler.Scheduler {
  private state: "running" | "frozen" | "dead" = "running"
  private held: Array<readonly [task: Scheduler.Task, priority: number]> = []
  private readonly machine: Scheduler.Scheduler

  constructor(machine: Scheduler.Scheduler) {
    this.machine = machine
  }

  shouldYield(fiber: Fiber.RuntimeFiber<unknown, unknown>): number | false {
    return this.machine.shouldYield(fiber)
  }

  scheduleTask(task: Scheduler.Task, priority: number): void {
    this.machine.scheduleTask(() => this.turn(task, priority), priority)
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
    const tasks = this.held
    this.held = []
    for (const [task, priority] of tasks) this.scheduleTask(task, priority)
  }

  get isRunning(): boolean {
    return this.state === "running"
  }

  private turn(task: Scheduler.Task, priority: number): void {
    if (this.state === "running") task()
    else if (this.state === "frozen") this.held.push([task, priority])
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
