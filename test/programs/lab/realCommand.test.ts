import { FileSystem } from "@effect/platform"
import { NodeCommandExecutor, NodeFileSystem, NodePath, NodeTerminal } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import type { Handlers } from "../../../src/programs/execute.js"
import { ExitCode } from "../../../src/programs/exitCodes.js"
import { experiments } from "../../../src/programs/lab/experiments.js"
import { startChild } from "../../../src/programs/lab/real/Child.js"
import { recordOf } from "../../../src/programs/lab/real/members.js"
import { realCommand, type RealRequest } from "../../../src/programs/lab/real/realCommand.js"
import { leftOut, realExperiments } from "../../../src/programs/lab/real/realExperiments.js"
import { inRealLab, type RealCase, type RealOptions, start, until } from "../../../src/programs/lab/real/RealWorld.js"
import { Admin } from "../../../src/layers/Admin.js"
import { program } from "../../../src/programs/program.js"
import { captured } from "../captured.js"

const globals = { files: ["a.properties"], overrides: [{ name: "log.level", value: "debug", source: "--log-level" }] }

const options: RealOptions = { self: ["node"], globals, pipeline: false, scale: 1, numbers: undefined }

const admin = Layer.mock(Admin, { createTopic: () => Effect.succeed("created") })

const processes = Layer.provideMerge(NodeCommandExecutor.layer, NodeFileSystem.layer)

/** A program in place of ours: it says its arguments, and then does what the script says. */
const selfThat = (script: string): RealOptions["self"] => [process.execPath, "-e", script, "--"]

const services = Layer.mergeAll(
  FileSystem.layerNoop({ readFileString: () => Effect.succeed("kafka.bootstrap.servers=localhost:9092\n") }),
  NodePath.layer,
  NodeTerminal.layer
)

const asked: Array<{ readonly request: RealRequest; readonly options: RealOptions }> = []
const unexpected = () => Effect.dieMessage("not asked for")
const handlers: Handlers = {
  run: unexpected,
  produce: unexpected,
  read: unexpected,
  readGroups: unexpected,
  plan: unexpected,
  apply: unexpected,
  verify: unexpected,
  dlq: unexpected,
  lag: unexpected,
  status: unexpected,
  transform: unexpected,
  dumpFiles: unexpected,
  dumpTopics: unexpected,
  topics: unexpected,
  demo: unexpected,
  lab: unexpected,
  labReal: (_, request, given) => Effect.sync(() => (asked.push({ request, options: given }), ExitCode.done))
}

const started = (...argv: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { console, err } = captured()
    const running = program({ argv, environment: {}, version: "1.2.3", self: ["node", "main.js"] }, handlers)
    const code = yield* Effect.withConsole(Effect.provide(running, services), console)
    return { code, err: err.join("\n") }
  })

const run = (name: string) =>
  Effect.flip(realCommand({ name, repeat: 1 }, options, { output: "table" })).pipe(
    Effect.provide(Layer.merge(admin, processes))
  )

describe("lab run --real", () => {
  it.effect("hands on the configuration, the scale and the numbers; without a database the pipeline is left out", () =>
    Effect.gen(function*() {
      const { code } = yield* started(
        "lab",
        "run",
        "offset-loss",
        "--real",
        "--scale",
        ".5",
        "--numbers",
        "200",
        "-c",
        "x"
      )
      assert.strictEqual(code, ExitCode.done)
      const [given] = asked.splice(0)
      assert.deepInclude(given?.request, { name: "offset-loss", repeat: 1 })
      assert.deepInclude(given?.options, { scale: 0.5, numbers: 200, pipeline: false, self: ["node", "main.js"] })
      assert.deepStrictEqual(given?.options.globals.files, ["x"])
      const database = ["mysql.url=jdbc:mysql://h/b", "mysql.username=u", "mysql.password=p"]
      const all = ["kafka.schema.registry.url=http://h:1", ...database].flatMap((one) => ["--set", one])
      yield* started("lab", "run", "all", "--real", "-c", "x", ...all)
      assert.deepInclude(asked.splice(0)[0]?.options, { scale: 0.01, numbers: undefined, pipeline: true })
    }))

  it.effect("refuses a scale that is none, and an embedded log", () =>
    Effect.gen(function*() {
      const scale = yield* started("lab", "run", "all", "--real", "--scale", "0")
      assert.strictEqual(scale.code, ExitCode.usage)
      assert.include(scale.err, "--scale: expected a number above 0")
      const embedded = yield* started("lab", "run", "all", "--real", "--set", "kafka.bootstrap.servers=file:/tmp/x")
      assert.strictEqual(embedded.code, ExitCode.usage)
      assert.include(embedded.err, "--real wants brokers, not an embedded log")
      assert.deepStrictEqual(asked, [])
    }))

  it.effect("says why an experiment cannot be run on real servers, and leaves none out without a reason", () =>
    Effect.gen(function*() {
      assert.include((yield* run("async-commit-regress")).why, "a late retry needs a client that sends it")
      assert.include((yield* run("exactly-once")).why, "mysql.url")
      assert.match((yield* run("graceful-stp")).cure, /did you mean graceful-stop\?/)
      for (const pipeline of [true, false]) {
        const without = leftOut({ ...options, pipeline })
        for (const { name } of experiments) assert.isTrue(name in realExperiments || name in without, name)
      }
    }))
})

describe("a process of the lab", () => {
  it.live("that is killed: everything that it had written has been handed over when the kill returns", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const first = yield* Deferred.make<void>()
      const script = "process.stdout.write(\"line\\n\".repeat(10000)); setInterval(() => {}, 1000)" // less than a pipe holds
      const child = yield* startChild({
        command: [process.execPath, "-e", script],
        input: "",
        onLine: (line) => {
          lines.push(line)
          if (lines.length === 1) Deferred.unsafeDone(first, Effect.void)
        },
        onSaid: () => {}
      })
      yield* Deferred.await(first)
      assert.isUndefined(yield* child.end("SIGKILL"))
      assert.lengthOf(lines, 10000)
      assert.throws(() => process.kill(child.pid, 0), /ESRCH/)
    }).pipe(Effect.scoped, Effect.provide(processes)))

  it.live("ends with the experiment, also one that does not listen to SIGTERM", () =>
    Effect.gen(function*() {
      const deaf = "process.on(\"SIGTERM\", () => {}); console.log(process.pid); setInterval(() => {}, 1000)"
      const known = yield* Deferred.make<number>()
      const running = yield* Effect.fork(Effect.scoped(Effect.zipRight(
        startChild({
          command: [process.execPath, "-e", deaf],
          input: "",
          onLine: (line) => Deferred.unsafeDone(known, Effect.succeed(Number(line))),
          onSaid: () => {}
        }),
        Effect.never
      )))
      const pid = yield* Deferred.await(known)
      yield* Fiber.interrupt(running)
      assert.throws(() => process.kill(pid, 0), /ESRCH/)
    }).pipe(Effect.provide(processes)))

  it.live("that ends as it should not ends the experiment, with its last words", () =>
    Effect.gen(function*() {
      const hopeless: RealCase = {
        strategy: "sync",
        shows: ["exactly once"],
        happens: (world) =>
          Effect.gen(function*() {
            yield* start(world, { name: "consumer-thread-0", args: ["read", "T"] })
            yield* until(world, "what never comes", () => false)
            return []
          })
      }
      const { console, err } = captured()
      const self = selfThat("console.error(process.argv.slice(1).join(' ')); process.exit(7)")
      const error = yield* Effect.flip(inRealLab(hopeless, { ...options, self })).pipe(
        Effect.provide(Layer.merge(admin, processes)),
        Effect.withConsole(console)
      )
      assert.strictEqual(error.what, "consumer-thread-0 of the experiment has ended with exit code 7")
      const handedOn = "--config a.properties --set log.level=debug --log-level info --log-format text read T"
      assert.deepStrictEqual(error.details, [handedOn])
      assert.match(err.join("\n"), /^sync: consumer-thread-0 \[\d+\]: tributary read T$/)
    }))
})

it("a printed record is read back with its number and place", () => {
  const line =
    "{\"topic\":\"t\",\"partition\":1,\"offset\":7,\"timestamp\":5,\"key\":null,\"value\":\"42\",\"headers\":[]}"
  assert.deepStrictEqual(recordOf(line), { partition: 1, offset: 7n, timestampMs: 5, value: "42" })
})
