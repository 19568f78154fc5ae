import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { CommandError, ExitCode } from "../../exitCodes.js"
import { sessionTimeoutMs } from "./members.js"
import { type LabProcess, type RealCase, type RealServices, type RealWorld, start, until } from "./RealWorld.js"

const records = 4000
/** Some seconds: the faults come while records flow. */
const recordsPerSecond = 500
const partitions = 2

interface Instance extends LabProcess {
  /** How often it has taken a partition over. */
  readonly acquired: () => number
}

const settingsOf = ({ topic }: RealWorld): ReadonlyArray<string> => {
  const settings = {
    "kafka.topics": topic,
    "kafka.auto.offset.reset": "earliest",
    "state.dir": "", // instances of one machine, on purpose
    "kafka.session.timeout.ms": sessionTimeoutMs,
    "kafka.heartbeat.interval.ms": sessionTimeoutMs / 6
  }
  return Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`])
}

/** `tributary run`, on the configured registry and database. */
const startInstance = (world: RealWorld, name: string, ...options: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    let acquired = 0
    const instance = yield* start(world, {
      name,
      args: ["run", ...options, ...settingsOf(world)],
      onSaid: (line, atMs) => {
        if (!line.includes("acquired at offset")) return
        acquired++
        world.events.push({ atMs, lane: name, kind: "assigned", text: line })
      }
    })
    return { ...instance, acquired: () => acquired } satisfies Instance
  })

type Fault = (world: RealWorld) => Effect.Effect<void, CommandError, RealServices | Scope.Scope>

/** Until it works on partitions, and some time more. */
const atWork = (world: RealWorld, { acquired, name }: Instance, least: number) =>
  Effect.gen(function*() {
    yield* until(world, `${name} at work`, () => acquired() >= least)
    yield* Effect.sleep(yield* Random.nextIntBetween(500, 1500))
  })

const under = (fault: string, happen: Fault): RealCase => ({
  strategy: `run, ${fault}`,
  shows: ["exactly once"],
  partitions,
  happens: (world) =>
    Effect.gen(function*() {
      const [count, rate] = [String(records), String(recordsPerSecond)]
      const producer = yield* start(world, {
        name: "producer",
        args: ["produce", world.topic, "--count", count, "--rate", rate, "--set", `kafka.topics=${world.topic}`]
      })
      yield* happen(world)
      yield* producer.done
      const last = yield* startInstance(world, "instance-last", "--until-end")
      yield* last.done
      const stored = yield* verify(world)
      return [
        `tributary verify: ${stored} records, each of them a row, once; table ${world.topic} is left in the database`
      ]
    })
})

const Verdict = Schema.parseJson(Schema.Struct({
  result: Schema.String,
  partitions: Schema.Array(Schema.Struct({ partition: Schema.Int, low: Schema.Int, end: Schema.Int }))
}))

/**
 * Compares the log with the table, offset by offset, and takes over what it has found: each record of the log is a row,
 * once. Anything else ends the experiment, with all that `verify` says.
 */
const verify = (world: RealWorld) =>
  Effect.gen(function*() {
    const printed: Array<string> = []
    const verifying = yield* start(world, {
      name: "observer",
      args: ["verify", "-o", "json", ...settingsOf(world)],
      onLine: (line) => void printed.push(line)
    })
    const exit = yield* Effect.either(verifying.done)
    const verdict = Schema.decodeUnknownEither(Verdict)(printed.join("\n"))
    if (Either.isLeft(exit) || Either.isLeft(verdict) || verdict.right.result !== "exact") {
      return yield* new CommandError({
        code: "TRB-7113",
        exit: ExitCode.different,
        what: "the table is not what the log holds",
        where: world.topic,
        details: printed,
        cure: "this must not happen: please report it, with the topic and the table"
      })
    }
    const atMs = yield* Clock.currentTimeMillis
    for (const { end, low, partition } of verdict.right.partitions) {
      for (let offset = low; offset < end; offset++) {
        const id = offset * partitions + partition + 1
        world.produced.push(id)
        world.processed.push({ id, partition, offset: BigInt(offset), atMs, by: "instance" })
      }
    }
    return world.processed.length
  })

export const exactlyOnce: ReadonlyArray<RealCase> = [
  under("kill -9", (world) =>
    Effect.gen(function*() {
      const first = yield* startInstance(world, "instance-0")
      yield* atWork(world, first, partitions)
      yield* first.kill("at work")
      const second = yield* startInstance(world, "instance-1")
      yield* atWork(world, second, partitions)
      yield* second.kill("at work")
    })),
  under("SIGTERM", (world) =>
    Effect.gen(function*() {
      const first = yield* startInstance(world, "instance-0")
      yield* atWork(world, first, partitions)
      yield* first.stop
    })),
  under("rebalance", (world) =>
    Effect.gen(function*() {
      const first = yield* startInstance(world, "instance-0")
      yield* atWork(world, first, partitions)
      const second = yield* startInstance(world, "instance-1")
      yield* atWork(world, second, 1)
      yield* Effect.all([first.stop, second.kill("at work")], { concurrency: 2 })
    }))
]
