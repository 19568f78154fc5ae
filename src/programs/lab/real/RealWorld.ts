import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { deliveryOf, type Guarantee, type Processed } from "../../../domain/delivery.js"
import { Admin } from "../../../layers/Admin.js"
import type { Globals } from "../../argv.js"
import { CommandError, ExitCode } from "../../exitCodes.js"
import { commandError } from "../../serviceErrors.js"
import type { LabEvent, Observed } from "../experiment.js"
import { note } from "../LabWorld.js"
import { type Child, startChild } from "./Child.js"

export interface RealOptions {
  /** The experiment's times are multiplied by it. */
  readonly scale: number
  /** Of *offset-loss*: the last number. Undefined: what suits the scale. */
  readonly numbers: number | undefined
  /** The command line that starts this program again. */
  readonly self: readonly [string, ...ReadonlyArray<string>]
  /** Handed on to every process, so that all of them reach the same brokers. */
  readonly globals: Pick<Globals, "files" | "overrides">
  /** Whether the configuration names all that `run` needs: a registry and a database beside the brokers. */
  readonly pipeline: boolean
}

export type RealServices = Admin | CommandExecutor.CommandExecutor

/** One strategy under the experiment's fault, on real brokers and with real processes. */
export interface RealCase {
  readonly strategy: string
  /** What it may come to. Several where milliseconds decide whether the fault hits; the first is the lesson. */
  readonly shows: readonly [Guarantee, ...ReadonlyArray<Guarantee>]
  readonly partitions?: number
  readonly happens: (
    world: RealWorld
  ) => Effect.Effect<ReadonlyArray<string>, CommandError, RealServices | Scope.Scope>
}

/** One run of one case: its own topic and group, its processes, and all that is written down of them. */
export interface RealWorld {
  readonly options: RealOptions
  readonly strategy: string
  readonly topic: string
  readonly group: string
  readonly partitions: number
  /** Numbers that the log holds, ascending. */
  readonly produced: Array<number>
  /** Effects: what processes have printed, those that were killed included. */
  readonly processed: Array<Processed>
  readonly events: Array<LabEvent>
  /** The first process that has ended as it should not. */
  failure: CommandError | undefined
}

/** Runs a case on a topic of its own, which is left in Kafka. No process is left. */
export const inRealLab = (
  { happens, partitions = 1, strategy }: RealCase,
  options: RealOptions
): Effect.Effect<Observed, CommandError, RealServices> =>
  Effect.gen(function*() {
    const run = (yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)
    const topic = `test-topic-${run}`
    const world: RealWorld = {
      options,
      strategy,
      topic,
      group: `test-topic-consumer-group-${run}`,
      partitions,
      produced: [],
      processed: [],
      events: [],
      failure: undefined
    }
    yield* Effect.flatMap(Admin, (admin) => admin.createTopic({ topic, partitions })).pipe(
      Effect.mapError(commandError)
    )
    const notes = yield* happens(world)
    return { delivery: deliveryOf(world.produced, world.processed), ...world, notes }
  }).pipe(Effect.scoped)

interface ProcessOptions {
  /** Its lane in the picture. */
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly input?: string
  readonly onLine?: (line: string, atMs: number) => void
  readonly onSaid?: (line: string, atMs: number) => void
}

/** A process of an experiment. */
export interface LabProcess {
  readonly name: string
  /** Waits for its end, which must be a good one. */
  readonly done: Effect.Effect<void, CommandError>
  /** kill -9. What it has printed by then is written down when this returns. */
  readonly kill: (why: string) => Effect.Effect<void>
  /** SIGTERM, and its end, which must be a good one. */
  readonly stop: Effect.Effect<void, CommandError>
}

/** How many of its last words explain the end of a process. */
const lastWordsMax = 5

/** Starts this program with these arguments; the command is shown, so that it can be typed. */
export const start = (
  world: RealWorld,
  { args, input = "", name, onLine = () => {}, onSaid = () => {} }: ProcessOptions
): Effect.Effect<LabProcess, CommandError, CommandExecutor.CommandExecutor | Scope.Scope> =>
  Effect.gen(function*() {
    const { globals: { files, overrides }, self } = world.options
    const configuration = [
      ...files.flatMap((file) => ["--config", file]),
      ...overrides.flatMap((one) => ["--set", `${one.name}=${one.value}`]),
      "--log-level",
      "info",
      "--log-format",
      "text" // some of its lines are looked for
    ]
    const lastWords: Array<string> = []
    const child = yield* startChild({
      command: [...self, ...configuration, ...args],
      input,
      onLine,
      onSaid: (line, atMs) => {
        lastWords.push(line)
        if (lastWords.length > lastWordsMax) lastWords.shift()
        onSaid(line, atMs)
      }
    }).pipe(Effect.mapError(notStarted))
    yield* say(world, `${name} [${child.pid}]: tributary ${args.join(" ")}`)
    yield* note(world, name, "start", `tributary ${args.join(" ")}`)
    const end = yield* watch(world, child, name, lastWords)
    return {
      name,
      done: end(child.ended),
      kill: (why) =>
        Effect.gen(function*() {
          yield* note(world, name, "kill", `kill -9 ${why}`)
          yield* Effect.merge(end(Effect.as(child.end("SIGKILL"), 0)))
          yield* say(world, `${name} [${child.pid}]: kill -9 ${why}`)
        }),
      stop: Effect.gen(function*() {
        yield* say(world, `${name} [${child.pid}]: SIGTERM`)
        yield* note(world, name, "stop", "SIGTERM")
        yield* end(child.end("SIGTERM"))
      })
    }
  })

const notStarted = (error: PlatformError): CommandError =>
  new CommandError({
    code: "TRB-7110",
    exit: ExitCode.io,
    what: `a process of the experiment cannot be started: ${error.message}`,
    cure: "the machine may be short of processes or memory"
  })

/** A process that ends unasked, or badly, ends the experiment. Answers how an expected end is waited for. */
const watch = (world: RealWorld, child: Child, name: string, lastWords: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    let expected = false
    yield* Effect.forkScoped(Effect.map(child.ended, (code) => {
      if (!expected && code !== 0) world.failure ??= endedBadly(name, code, lastWords)
    }))
    return (ending: Effect.Effect<number | undefined>) =>
      Effect.gen(function*() {
        expected = true
        const code = yield* ending
        if (code !== 0) return yield* endedBadly(name, code, lastWords)
      })
  })

const endedBadly = (name: string, code: number | undefined, details: ReadonlyArray<string>): CommandError =>
  new CommandError({
    code: "TRB-7111",
    exit: ExitCode.failed,
    what: `${name} of the experiment has ended with ${code === undefined ? "a signal" : `exit code ${code}`}`,
    details: [...details],
    cure: "its own lines say why"
  })

/** On stderr, as it happens. */
export const say = ({ strategy }: RealWorld, text: string): Effect.Effect<void> => Console.error(`${strategy}: ${text}`)

const lookEvery = "5 millis"
/** For what takes seconds on an idle machine. */
export const patienceMs = 120_000

/** Waits until it has happened. A fault is to hit soon after. */
export const until = (world: RealWorld, what: string, happened: () => boolean, withinMs = patienceMs) =>
  untilSo(world, what, Effect.sync(happened), withinMs)

/** The same, where somebody has to be asked. */
export const untilSo = <R>(
  world: RealWorld,
  what: string,
  happened: Effect.Effect<boolean, CommandError, R>,
  withinMs = patienceMs
): Effect.Effect<void, CommandError, R> =>
  Effect.gen(function*() {
    while (!(yield* happened)) {
      if (world.failure !== undefined) return yield* world.failure
      yield* Effect.sleep(lookEvery)
    }
  }).pipe(
    Effect.timeoutFail({
      duration: withinMs,
      onTimeout: () =>
        new CommandError({
          code: "TRB-7112",
          exit: ExitCode.failed,
          what: `${what}: not within ${Math.round(withinMs / 1000)} s`,
          where: world.topic,
          cure: "look at the brokers and the machine; tributary lag shows where the group stands"
        })
    })
  )

/** A time of the experiment as it is told to a process. What brokers decide (sessions, joining) does not scale. */
export const scaled = ({ options }: RealWorld, ms: number, leastMs = 1): string => inMs(scaledMs(options, ms, leastMs))

export const scaledMs = ({ scale }: RealOptions, ms: number, leastMs = 1): number =>
  Math.max(leastMs, Math.round(ms * scale))

export const inMs = (ms: number): string => `${ms}ms`
