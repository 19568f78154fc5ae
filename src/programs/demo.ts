import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { sqlite } from "../domain/sql/sqlite.js"
import { consumerLockFile } from "../layers/embedded/logFolder.js"
import { tryLock } from "../layers/embedded/fileLock.js"
import * as LibsqlDestination from "../layers/embedded/LibsqlDestination.js"
import { Destination } from "../layers/Destination.js"
import { CommandError, ExitCode } from "./exitCodes.js"

export interface DemoOptions {
  /** The command line that starts this program again: node and the path of main.js. */
  readonly self: readonly [string, ...ReadonlyArray<string>]
  /** Records for each topic. */
  readonly count: number
}

const folder = ".tributary"
const properties = `${folder}/tributary.properties`
const consumerLog = `${folder}/consumer.log`
const database = `${folder}/bank.db`
const topics = ["dataset1", "dataset2", "dataset3"]
const partitions = 3
/** Of all rows: where the consumer is killed. Between the two it always has work left. */
const killAt = [0.25, 0.6]
/** The second half arrives while the consumer runs, at this many records a second. */
const producedPerSecond = 6000

const configuration = `# The embedded mode: files in place of Kafka, the registry and MySQL.
# Run the consumer on them again: node dist/main.js run --config ${properties}
kafka.bootstrap.servers=file:${folder}/log
kafka.topics=${topics.join(",")}
kafka.schema.registry.url=file:${folder}/schemas
mysql.url=libsql:file:${database}
`

type Services = CommandExecutor.CommandExecutor | FileSystem.FileSystem

/**
 * Shows the guarantee without any server: the real pipeline, as a child process on the embedded layers, is killed twice
 * in mid-flight and started again; at the end every record is a row once.
 */
export const demoCommand = (options: DemoOptions): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const total = options.count * topics.length
    yield* Console.log(
      `Tributary demo, embedded mode: the pipeline is the real one; files under ${folder}/ stand in for Kafka, the registry and MySQL.`
    )
    yield* prepareFolder
    yield* Console.log(
      `producing ${total} records into ${topics.join(", ")}, ${partitions} partitions each; the first half now`
    )
    const half = Math.floor(options.count / 2)
    yield* produce(options, { count: half, from: 0, rate: 0 })
    const producing = yield* Effect.forkScoped(
      produce(options, { count: options.count - half, from: half, rate: producedPerSecond })
    )
    for (const share of killAt) yield* consumeAndKill(options, Math.floor(total * share), total)
    const { listening, process } = yield* startConsumer(options)
    yield* Fiber.join(producing)
    yield* rowsReach(total, total)
    yield* listening
    yield* process.kill("SIGTERM")
    const code = yield* process.exitCode
    yield* Console.log(`kill -TERM ${process.pid}: drained, exit ${code}\n`)
    const verified = yield* Command.exitCode(
      Command.make(...options.self, "verify", "--config", properties).pipe(
        Command.stdout("inherit"),
        Command.stderr("inherit")
      )
    )
    yield* Console.log(closing(verified === 0))
    return verified === 0 ? ExitCode.done : ExitCode.different
  }).pipe(
    Effect.scoped,
    Effect.catchTags({ BadArgument: platformFailure, SystemError: platformFailure }),
    Effect.provide(LibsqlDestination.layer({ file: database, dialect: sqlite, autoCreate: false }))
  )

const platformFailure = (error: PlatformError) =>
  Effect.fail(
    new CommandError({
      code: "TRB-7100",
      exit: ExitCode.io,
      what: `the demo cannot go on: ${error.message}`,
      cure: `the folder ${folder} must be writable, and ${consumerLog} may say more`
    })
  )

/** Starts from nothing, but never under the feet of a consumer that still runs on the folder. */
const prepareFolder = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(`${folder}/log`, { recursive: true })
  yield* tryLock(consumerLockFile(`${folder}/log`)).pipe(
    Effect.scoped,
    Effect.mapError(() =>
      new CommandError({
        code: "TRB-7101",
        exit: ExitCode.tryAgain,
        what: `a consumer is running on ${folder}`,
        cure: "stop it, then start the demo again"
      })
    )
  )
  for (const entry of ["log", "schemas", "bank.db", "bank.db-wal", "bank.db-shm", "consumer.log"]) {
    yield* fs.remove(`${folder}/${entry}`, { recursive: true, force: true })
  }
  yield* fs.makeDirectory(folder, { recursive: true })
  yield* fs.writeFileString(properties, configuration)
})

const produce = (
  { self }: DemoOptions,
  what: { readonly count: number; readonly from: number; readonly rate: number }
): Effect.Effect<void, CommandError | PlatformError, Services> =>
  Effect.gen(function*() {
    const { count, from, rate } = what
    const numbers = ["--count", count, "--from", from, "--rate", rate, "--partitions", partitions].map(String)
    const command = Command.make(...self, "produce", "--config", properties, ...numbers).pipe(Command.stderr("inherit"))
    const code = yield* Effect.scoped(Effect.flatMap(Command.start(command), (process) => process.exitCode))
    if (code === 0) return
    return yield* new CommandError({
      code: "TRB-7102",
      exit: ExitCode.failed,
      what: `the producer ended with exit code ${code}`,
      cure: "its own lines above say why"
    })
  })

interface Consumer {
  readonly process: CommandExecutor.Process
  /** Its first line is out: before it a SIGTERM would end it undrained. The one before it may have left it no row to write. */
  readonly listening: Effect.Effect<void>
}

const startConsumer = ({ self }: DemoOptions): Effect.Effect<Consumer, PlatformError, Services | Scope.Scope> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const process = yield* Command.start(Command.make(...self, "run", "--config", properties))
    const listening = yield* Deferred.make<void>()
    const lines = process.stderr.pipe(
      Stream.tap(() => Deferred.succeed(listening, undefined)),
      Stream.ensuring(Deferred.succeed(listening, undefined)) // it has ended, and its exit code tells
    )
    yield* Effect.forkScoped(Stream.run(lines, fs.sink(consumerLog, { flag: "a" })))
    yield* Console.log(`consumer started, pid ${process.pid}`)
    return { process, listening: Deferred.await(listening) }
  })

const consumeAndKill = (options: DemoOptions, rows: number, total: number) =>
  Effect.gen(function*() {
    const { process } = yield* startConsumer(options)
    const reached = yield* rowsReach(rows, total)
    yield* process.kill("SIGKILL")
    yield* Console.log(`kill -9 ${process.pid} at ${reached} rows`)
  }).pipe(Effect.scoped)

/** Rows in all tables, or -1 while the database is busy or not there yet. */
const rowCount = Effect.gen(function*() {
  const destination = yield* Destination
  const wanted = topics.map((topic) => ({ topic, group: `group-${topic}`, table: topic }))
  const found = yield* Effect.option(destination.snapshot(wanted))
  if (found._tag === "None") return -1
  return found.value.reduce((sum, { rows }) => sum + Number(rows?.count ?? 0n), 0)
})

const rowsReach = (wanted: number, total: number): Effect.Effect<number, CommandError, Destination> => {
  return Effect.gen(function*() {
    while (true) {
      const rows = yield* rowCount
      if (rows >= 0) yield* Console.log(`rows ${rows} of ${total}`)
      if (rows >= wanted) return rows
      yield* Effect.sleep("250 millis")
    }
  }).pipe(
    Effect.timeoutFail({
      duration: "60 seconds",
      onTimeout: () =>
        new CommandError({
          code: "TRB-7103",
          exit: ExitCode.failed,
          what: `the rows did not reach ${wanted} within a minute`,
          cure: `${consumerLog} says what the consumer waits for`
        })
    })
  )
}

const closing = (exact: boolean): string =>
  [
    "",
    exact
      ? "Every record is a row once, after two kill -9 in mid-flight."
      : "The counts differ: this must not happen. Please report it, with the folder.",
    `Look at it: ${folder}/ (log in Kafka's segment format, ${database}); consume on: node dist/main.js run --config ${properties}`,
    "This was the embedded mode. For real servers, with a property file that names Kafka, the registry and MySQL:",
    "  npm run build && node dist/main.js --config consumer.properties"
  ].join("\n")
