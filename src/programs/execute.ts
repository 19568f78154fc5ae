import type * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ClientConfig, Config } from "../domain/Config.js"
import type { ConfigSources } from "../domain/config/settings.js"
import { type Globals, usageError } from "./argv.js"
import { completionScript } from "./cli.js"
import type { Invocation } from "./commands/ask.js"
import type { DemoOptions } from "./demo.js"
import type { DlqRequest } from "./dlq/DlqRequest.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { brokersConfigOf, configOf, type Environment, readSources } from "./loadConfig.js"
import type { LabRequest } from "./lab/labCommand.js"
import { scaleDefault } from "./lab/onBrokers.js"
import type { RealRequest } from "./lab/real/realCommand.js"
import type { RealOptions } from "./lab/real/RealWorld.js"
import type { LagOptions, StatusOptions } from "./lag/lag.js"
import { needsDatabase } from "./lag/targets.js"
import { readGroupsFile, unusedFields } from "./groupsFile.js"
import { layer as loggingLayer, type LogOptions } from "./logging.js"
import type { LogDumpOptions } from "./logDump/options.js"
import type { PlanOptions } from "./plan/PlanOptions.js"
import { prepareProduce } from "./produce/prepare.js"
import type { ProducePlan } from "./produce/plan.js"
import { printData } from "./report.js"
import { groupJobs, type Job, withTopics } from "./runGroups.js"
import { type PreparedRead, prepareRead } from "./read/prepare.js"
import { type PreparedGroups, prepareReadGroups } from "./read/prepareGroups.js"
import type { TopicsRequest } from "./topics/request.js"
import type { TransformOptions } from "./transform/settings.js"
import type { VerifyOptions } from "./verify.js"

/** What the process was started with and into. Only src/main.ts asks the process for it. */
export interface Surroundings {
  readonly argv: ReadonlyArray<string>
  readonly environment: Environment
  readonly version: string
  /** The command line that starts this program again, without arguments. */
  readonly self: DemoOptions["self"]
}

type Outcome<R = never> = Effect.Effect<ExitCode, CommandError, R>

/** How results are printed. */
export interface Printing {
  readonly output: Globals["output"]
}

/** The commands that need servers, with the layers that reach them. */
export interface Handlers {
  readonly run: (
    config: Config,
    options: { readonly untilEnd: boolean; readonly jobs?: ReadonlyArray<Job> }
  ) => Outcome
  readonly produce: (config: ClientConfig, plan: ProducePlan, printing: Printing) => Outcome
  readonly read: (prepared: PreparedRead) => Outcome
  readonly readGroups: (prepared: PreparedGroups) => Outcome
  readonly plan: (
    config: Config,
    options: PlanOptions & Printing & { readonly check: boolean; readonly sql: boolean }
  ) => Outcome
  readonly apply: (config: Config, options: PlanOptions & Printing & { readonly yes: boolean }) => Outcome
  readonly verify: (config: Config, options: VerifyOptions & Printing) => Outcome
  readonly dlq: (config: Config, request: DlqRequest, printing: Printing) => Outcome
  /** `database`: where groups of the pipeline are among those asked for. */
  readonly lag: (config: ClientConfig, database: Config | undefined, options: LagOptions & Printing) => Outcome
  readonly status: (config: Config, options: StatusOptions & Printing) => Outcome
  readonly transform: (config: ClientConfig, options: TransformOptions) => Outcome
  readonly dumpFiles: (options: LogDumpOptions & Printing) => Outcome
  readonly dumpTopics: (config: ClientConfig, options: LogDumpOptions & Printing) => Outcome
  readonly topics: (config: ClientConfig, request: TopicsRequest, printing: Printing) => Outcome
  readonly demo: (options: DemoOptions) => Outcome
  readonly lab: (request: LabRequest, printing: Printing) => Outcome
  readonly labReal: (config: ClientConfig, request: RealRequest, options: RealOptions, printing: Printing) => Outcome
}

/** Runs what the arguments ask for, with the configuration read and the log set up. */
export const execute = (
  surroundings: Surroundings,
  handlers: Handlers,
  globals: Globals,
  invocation: Invocation
): Outcome<FileSystem.FileSystem> => {
  const { output } = globals
  const sources = readSources(globals, surroundings.environment)
  switch (invocation.command) {
    case "run":
      return executeRun(handlers, sources, invocation)
    case "produce":
      return executeProduce(handlers, globals, surroundings.environment, invocation)
    case "read":
      return executeRead(handlers, globals, surroundings.environment, invocation)
    case "verify": {
      const options = { ...invocation.options, output }
      return configured(sources, (config) => handlers.verify(config, options))
    }
    case "plan": {
      const options = { ...invocation.options, output }
      return configured(sources, (config) => handlers.plan(config, options))
    }
    case "apply": {
      const options = { ...invocation.options, output }
      return configured(sources, (config) => handlers.apply(config, options))
    }
    case "dlq":
      return configured(sources, (config) => handlers.dlq(config, invocation.request, { output }))
    case "lag":
      return Effect.flatMap(sources, executeLag(handlers, { ...invocation.options, output }))
    case "status": {
      const options = { ...invocation.options, output }
      return configured(sources, (config) => handlers.status(config, options))
    }
    case "log dump":
      return executeDump(handlers, sources, { ...invocation.options, output })
    case "topics":
      return Effect.flatMap(
        Effect.flatMap(sources, brokersConfigOf),
        logged((config) => handlers.topics(config, invocation.request, { output }))
      )
    case "transform": {
      const { options } = invocation
      return Effect.flatMap(
        Effect.flatMap(sources, brokersConfigOf),
        logged((config) => handlers.transform(config, options))
      )
    }
    case "demo":
      return handlers.demo({ ...invocation.options, self: surroundings.self })
    case "lab":
      return executeLab(surroundings, handlers, globals, invocation)
    case "config show":
      return Effect.gen(function*() {
        const { configShow } = yield* Effect.promise(() => import("./configShow.js"))
        return yield* configShow(output, yield* sources)
      })
    case "completion":
      return Effect.flatMap(completionScript(invocation.shell), say)
    case "text":
      return say(invocation.text)
    case "version":
      return Effect.as(
        printData(output, {
          table: () => `tributary ${surroundings.version}`,
          json: () => ({ version: surroundings.version })
        }),
        ExitCode.done
      )
  }
}

/** For what needs the whole configuration, a database included. */
const configured = (
  sources: ReturnType<typeof readSources>,
  command: (config: Config) => Outcome
): Outcome<FileSystem.FileSystem> => Effect.flatMap(Effect.flatMap(sources, configOf), logged(command))

const executeDump = (
  handlers: Handlers,
  sources: ReturnType<typeof readSources>,
  options: LogDumpOptions & Printing
): Outcome<FileSystem.FileSystem> => {
  if (options.files.length > 0 && options.logs.length > 0) {
    return usageError("log dump shows files or topics, not both at once", "See: tributary log dump --help")
  }
  if (options.files.length > 0) return Effect.provide(handlers.dumpFiles(options), loggingLayer(plainLog))
  if (options.logs.length === 0) {
    return usageError("log dump wants a segment file or a topic", "tributary log dump TOPIC, or FILE.log")
  }
  return Effect.flatMap(
    Effect.flatMap(sources, brokersConfigOf),
    logged((config) => handlers.dumpTopics(config, options))
  )
}

type Asked<C extends Invocation["command"]> = Extract<Invocation, { readonly command: C }>

const executeRun = (
  handlers: Handlers,
  sources: ReturnType<typeof readSources>,
  { groups: file, untilEnd }: Asked<"run">
): Outcome<FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const known = yield* sources
    const entries = file === undefined ? undefined : yield* readGroupsFile(file)
    const config = yield* configOf(entries === undefined ? known : withTopics(known, entries))
    const groups = entries === undefined ? {} : { jobs: yield* groupJobs(config, entries) }
    const unused = unusedFields("run", file ?? "", entries ?? [])
    return yield* logged((own: Config) =>
      Effect.zipRight(
        Effect.forEach(unused, (warning) => Effect.logWarning(warning), { discard: true }),
        handlers.run(own, { untilEnd, ...groups })
      )
    )(config)
  })

const executeProduce = (
  handlers: Handlers,
  globals: Globals,
  environment: Environment,
  { options }: Asked<"produce">
): Outcome<FileSystem.FileSystem> =>
  Effect.flatMap(
    prepareProduce(globals, environment, options),
    ({ config, plan, warnings }) =>
      logged((known: ClientConfig) =>
        Effect.zipRight(
          Effect.forEach(warnings, (warning) => Effect.logWarning(warning), { discard: true }),
          handlers.produce(known, plan, { output: globals.output })
        )
      )(config)
  )

const executeRead = (
  handlers: Handlers,
  globals: Globals,
  environment: Environment,
  { groups, options, topic }: Asked<"read">
): Outcome<FileSystem.FileSystem> => {
  if (groups !== undefined) {
    return Effect.flatMap(
      prepareReadGroups(globals, environment, { file: groups, topic, options }),
      (prepared) => logged(() => handlers.readGroups(prepared))(prepared.config)
    )
  }
  if (topic === undefined) return usageError("read wants a topic", "tributary read TOPIC, or --groups FILE")
  if (options.rotateBytes !== undefined && options.file === undefined) {
    return usageError("--rotate belongs to --file NAME.csv|.tsv|.log", "add it, or leave --rotate out")
  }
  return Effect.flatMap(
    prepareRead(globals, environment, { ...options, topic }),
    (prepared) => logged(() => handlers.read(prepared))(prepared.config)
  )
}

/** A database need not be configured to look at other programs' groups. */
const executeLag = (handlers: Handlers, options: LagOptions & Printing) => (sources: ConfigSources): Outcome =>
  Effect.gen(function*() {
    const config = yield* brokersConfigOf(sources)
    const database = needsDatabase(config, options) ? yield* configOf(sources) : undefined
    return yield* logged((known: ClientConfig) => handlers.lag(known, database, options))(config)
  })

const labTopic = { name: "kafka.topics", value: "test-topic", source: "lab" }

const executeLab = (
  { environment, self }: Surroundings,
  handlers: Handlers,
  globals: Globals,
  { brokers, request }: Asked<"lab">
): Outcome<FileSystem.FileSystem> => {
  const { output } = globals
  const { numbers, scale } = brokers ?? {}
  if (request.kind !== "run" || brokers?.real !== true) {
    return scale === undefined && numbers === undefined
      ? handlers.lab(request, { output })
      : usageError("--scale and --numbers belong to --real: virtual time costs nothing", "add it, or leave them out")
  }
  return Effect.gen(function*() {
    const sources = yield* readSources(globals, environment)
    const config = yield* brokersConfigOf(sources)
    if (config.bootstrapServers.some((address) => address.startsWith("file:"))) {
      return yield* usageError("--real wants brokers, not an embedded log", "leave --real out: the lab needs no server")
    }
    // The topic is the experiment's own.
    const pipeline = Either.isRight(configOf({ ...sources, overrides: [...sources.overrides, labTopic] }))
    const options: RealOptions = { scale: scale ?? scaleDefault, numbers, self, globals, pipeline }
    return yield* logged((known: ClientConfig) => handlers.labReal(known, request, options, { output }))(config)
  })
}

const logged = <C extends ClientConfig>(command: (config: C) => Outcome) => (config: C): Outcome =>
  Effect.provide(command(config), loggingLayer(logOptions(config)))

/** Where no configuration is asked for. */
const plainLog: LogOptions = { level: "info", format: "text" }

const logOptions = (config: ClientConfig): LogOptions => ({ level: config.logLevel, format: config.logFormat })

const say = (text: string): Outcome => Effect.as(Console.log(text), ExitCode.done)
