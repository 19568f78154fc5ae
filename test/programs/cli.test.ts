import { FileSystem } from "@effect/platform"
import { NodePath, NodeTerminal } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import type { Handlers } from "../../src/programs/execute.js"
import { CommandError, ExitCode } from "../../src/programs/exitCodes.js"
import { program } from "../../src/programs/program.js"
import { captured } from "./captured.js"

const good = "good.properties"
const properties = `kafka.bootstrap.servers=localhost:9092
kafka.topics=a
kafka.schema.registry.url=http://localhost:8081
mysql.url=jdbc:mysql://localhost/bank
mysql.username=consumer
mysql.password=SENTINEL
`
const fileSystem = FileSystem.layerNoop({
  readFileString: (path) => path === good ? Effect.succeed(properties) : Effect.dieMessage("not a file")
})
const services = Layer.mergeAll(fileSystem, NodePath.layer, NodeTerminal.layer)

const unexpected = () => Effect.dieMessage("not asked for")
const none: Handlers = {
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
  labReal: unexpected
}

const started = (argv: ReadonlyArray<string>, handlers: Partial<Handlers>, environment = {}) =>
  program({ argv, environment, version: "1.2.3", self: ["tributary"] }, { ...none, ...handlers }).pipe(
    Effect.provide(services)
  )

const ran = (argv: ReadonlyArray<string>, handlers: Partial<Handlers> = {}, environment = {}) =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    const code = yield* Effect.withConsole(started(argv, handlers, environment), console)
    return { code, out: out.join("\n"), err: err.join("\n") }
  })

/** The exit code of a command that is interrupted while it waits, as src/main.ts hears of it. */
const interrupted = (argv: ReadonlyArray<string>, handlers: (wait: Effect.Effect<never>) => Partial<Handlers>) =>
  Effect.gen(function*() {
    const waiting = yield* Deferred.make<void>()
    const code = yield* Deferred.make<ExitCode>()
    const wait = Effect.zipRight(Deferred.succeed(waiting, undefined), Effect.never)
    const told = Effect.flatMap(started(argv, handlers(wait)), (ended) => Deferred.succeed(code, ended))
    const fiber = yield* told.pipe(Effect.uninterruptible, Effect.withConsole(captured().console), Effect.fork)
    yield* Deferred.await(waiting)
    yield* Fiber.interrupt(fiber)
    return yield* Deferred.await(code)
  })

describe("a usage error is exit 64, one message on stderr, nothing on stdout", () => {
  const cases: ReadonlyArray<readonly [argv: ReadonlyArray<string>, what: string, cure: string]> = [
    [["verfiy"], "unknown command: verfiy", "did you mean verify?"],
    [["nosuch", "--help"], "unknown command: nosuch", "There are: run, produce, "],
    [["topics", "lsit"], "unknown subcommand of topics: lsit", "did you mean list?"],
    [["topics", "create", "t", "--config", "tributary.properties"], "--config: expected KEY=VALUE", "topics --help"],
    [["log", "dump"], "log dump wants a segment file or a topic", "tributary log dump TOPIC"],
    [["log", "dump", "a.log", "t"], "log dump shows files or topics, not both", "tributary log dump --help"],
    [["log", "dump", "t", "--from", "-1"], "--from: expected an offset", "tributary log --help"],
    [["config", "shwo"], "unknown subcommand of config: shwo", "did you mean show?"],
    [["produce", "--cuont", "3"], "the flag '--cuont' is not recognized", "did you mean --count?"],
    [["produce", "--count", "three"], "--count: expected a whole number from 0", "tributary produce --help"],
    [["produce", "--count", "1", "--count", "2"], "--count is wanted once", "tributary produce --help"],
    [["produce", "--compression", "zip"], "--compression: expected one of none, gzip,", "tributary produce --help"],
    [
      ["lag", "g", "--interval", "0ms"],
      "--interval: expected a time such as 500ms, 10s or 1m, 50ms at least",
      "lag --help"
    ],
    [["read", "t", "--rotate", "10MB"], "--rotate belongs to --file", "leave --rotate out"],
    [["lab", "run", "all", "--scale", "0.5"], "--scale and --numbers belong to --real", "leave them out"],
    [["verify", "extra"], "received unknown argument: 'extra'", "tributary verify --help"],
    [["--output", "xml"], "--output xml: expected table or json", "tributary --help"],
    [["verify", "-c"], "-c wants a value: -c FILE", "tributary --help"],
    [["--set", "mysql.password:SENTINEL"], "--set mysql.password…: expected --set KEY=VALUE", "tributary --help"]
  ]
  it.effect.each(cases)("%j", ([argv, what, cure]) =>
    Effect.gen(function*() {
      const { code, err, out } = yield* ran(argv)
      assert.strictEqual(code, ExitCode.usage)
      assert.strictEqual(out, "")
      assert.include(err, `error TRB-1100: ${what}`)
      assert.include(err, cure)
      assert.strictEqual(err.split(what).length, 2, "said once")
      assert.notInclude(err, "SENTINEL")
      assert.notInclude(err, "\u001B")
    }))
})

describe("help", () => {
  it.effect.each(["--help", "-h", "help"])(
    "%s lists the commands on stdout, without colour",
    (word) =>
      Effect.gen(function*() {
        const { code, err, out } = yield* ran([word])
        assert.strictEqual(code, ExitCode.done)
        assert.match(out, /^ {2}verify +Compare Kafka's log/m)
        assert.notInclude(out, "\u001B")
        assert.strictEqual(err, "")
        for (const line of out.split("\n")) if (!line.startsWith("Everywhere")) assert.isBelow(line.length, 110)
      })
  )

  it.effect("of a command is that command's", () =>
    Effect.gen(function*() {
      for (const line of ["verify --help", "help verify", "verify -c x --help"]) {
        assert.match((yield* ran(line.split(" "))).out, /\$ tributary verify \[--topics/)
      }
    }))
})

const runsTopicA: Handlers["run"] = ({ topics }, { untilEnd }) =>
  Effect.sync(() => {
    assert.deepStrictEqual([topics, untilEnd], [["a"], false])
    return ExitCode.done
  })
const untilEndIsFailure: Handlers["run"] = (_, { untilEnd }) =>
  Effect.succeed(untilEnd ? ExitCode.failed : ExitCode.done)
const runsMine: Handlers["run"] = ({ consumerGroup, logLevel, topics }) =>
  Effect.sync(() => {
    assert.deepStrictEqual([consumerGroup, logLevel, topics], ["mine", "warn", ["b"]])
    return ExitCode.done
  })

describe("run", () => {
  it.effect.each([
    "-c good.properties",
    "run -c good.properties",
    "--config=good.properties run",
    "run --log-level debug --config good.properties"
  ])("is what \"%s\" asks for", (line) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ran(line.split(" "), { run: runsTopicA })).code, ExitCode.done)
    }))

  it.effect("takes --until-end without its name as well", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ran(["--until-end", "-c", good], { run: untilEndIsFailure })).code, ExitCode.failed)
    }))

  it.effect("lets a flag win over the environment, and that over the file", () =>
    Effect.gen(function*() {
      const environment = { TRIBUTARY_KAFKA_TOPICS: "b", TRIBUTARY_LOG_LEVEL: "error", TRIBUTARY_CONSUMER_GROUP: "c" }
      const argv = ["-c", good, "--log-level", "warn", "--set", "consumer.group=mine"]
      assert.strictEqual((yield* ran(argv, { run: runsMine }, environment)).code, ExitCode.done)
    }))
})

describe("the exit code", () => {
  const failure = new CommandError({
    code: "TRB-2001",
    exit: ExitCode.unreachable,
    what: "no broker",
    cure: "start one"
  })
  const failing = { verify: () => Effect.fail(failure) }

  it.effect("of a failed command is the error's, which is said once, in the form asked for", () =>
    Effect.gen(function*() {
      const asText = yield* ran(["verify", "-c", good], failing)
      assert.deepStrictEqual(asText, {
        code: ExitCode.unreachable,
        out: "",
        err: "error TRB-2001: no broker\n  cure:  start one"
      })
      const asJson = yield* ran(["verify", "-c", good, "-o", "json"], failing)
      assert.deepInclude(JSON.parse(asJson.err), { code: "TRB-2001", message: "no broker", retryable: true, exit: 69 })
    }))

  it.effect("of a configuration with problems is 78, every problem told, no secret among them", () =>
    Effect.gen(function*() {
      const { code, err } = yield* ran([
        "-c",
        good,
        "--set",
        "linger.ms=x",
        "--set",
        "mysql.pasword=SENTINEL",
        "--set",
        "table.my-own_topic.errors=sotp"
      ])
      assert.strictEqual(code, ExitCode.configuration)
      assert.include(err, "linger.ms=x (--set)")
      assert.include(err, "table.my-own_topic.errors=sotp (--set)")
      assert.include(err, "did you mean mysql.password?")
      assert.notInclude(err, "SENTINEL")
    }))

  it.effect("of a bug is 70, in one message without a stack trace", () =>
    Effect.gen(function*() {
      const { code, err } = yield* ran(["-c", good], {
        run: () => Effect.die(new TypeError("x is undefined"))
      })
      assert.strictEqual(code, ExitCode.bug)
      assert.match(
        err,
        /^error TRB-7000: this is a bug in tributary: TypeError: x is undefined\n {2}where: .*\n {2}cure:/
      )
    }))
})

describe("a signal", () => {
  it.effect("ends run with 0 once it has drained", () =>
    Effect.gen(function*() {
      let drained = false
      const drain = Effect.sync(() => {
        drained = true
      })
      const code = yield* interrupted(["-c", good], (wait) => ({ run: () => Effect.onInterrupt(wait, () => drain) }))
      assert.deepStrictEqual([code, drained], [ExitCode.done, true])
    }))

  it.effect("ends run with the code of a drain that failed", () =>
    Effect.gen(function*() {
      const error = new CommandError({ code: "TRB-7001", exit: ExitCode.failed, what: "deadline", cure: "" })
      const code = yield* interrupted(["-c", good], (wait) => ({
        run: () => Effect.onInterrupt(wait, () => Effect.die(error))
      }))
      assert.strictEqual(code, ExitCode.failed)
    }))

  it.effect("ends any other command as interrupted", () =>
    Effect.gen(function*() {
      const code = yield* interrupted(["verify", "-c", good], (wait) => ({ verify: () => wait }))
      assert.strictEqual(code, ExitCode.interrupted)
    }))
})

describe("config show", () => {
  it.effect("prints every key, hides the secret, names where each value comes from", () =>
    Effect.gen(function*() {
      const { code, out } = yield* ran(["config", "show", "-c", good])
      assert.strictEqual(code, ExitCode.done)
      assert.match(out, /^mysql\.password +<redacted> +good\.properties:6$/m)
      assert.match(out, /^linger\.ms +5 +default$/m)
      assert.notInclude(out, "SENTINEL")
    }))

  it.effect("shows a configuration with problems all the same, and then the problems", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* ran(["config", "show", "-o", "json"])
      assert.strictEqual(code, ExitCode.configuration)
      assert.include(JSON.parse(out).map(({ key }: { readonly key: string }) => key), "mysql.url")
      assert.match(JSON.parse(err).details.join(), /mysql.url: missing/)
    }))
})

it.effect("version and completion scripts go to stdout", () =>
  Effect.gen(function*() {
    assert.strictEqual((yield* ran(["version"])).out, "tributary 1.2.3")
    assert.deepStrictEqual(JSON.parse((yield* ran(["version", "-o", "json"])).out), { version: "1.2.3" })
    assert.include((yield* ran(["completion", "bash"])).out, "complete -F _tributary_bash_completions")
    assert.include((yield* ran(["completion", "fish"])).out, "verify")
  }))
