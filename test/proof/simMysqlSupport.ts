import { Effect, Layer, Logger, LogLevel, type Scope } from "effect"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { startProcess } from "../../src/layers/memory/MemoryProcess.js"
import { makeServerTime } from "../../src/layers/memory/ServerTime.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { runCommand } from "../../src/programs/run.js"
import { check } from "../../proof/checker/check.js"
import type { Finding, History } from "../../proof/checker/History.js"
import { layerSimMysql } from "../../proof/simulation/mysql/destination.js"
import { recordsOf } from "../../proof/simulation/mysql/records.js"
import { SimMysql, type SimMysqlOptions } from "../../proof/simulation/mysql/SimMysql.js"
import { SimRegistry } from "../../proof/simulation/SimRegistry.js"
import { payment, testConfig } from "../support/pipeline.js"

const paymentSchema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })

/** A server with the time of this simulation. */
export const simMysql = (options?: SimMysqlOptions): Effect.Effect<SimMysql, never, Scope.Scope> =>
  Effect.map(makeServerTime, (time) => new SimMysql(time, options))

/** Topic `orders`, a database, and processes of the main job on both. */
export class World {
  readonly kafka: MemoryKafka["Type"]
  readonly server: SimMysql
  private readonly registry = new SimRegistry([[7, paymentSchema]])
  private next = 0

  constructor(kafka: MemoryKafka["Type"], server: SimMysql) {
    this.kafka = kafka
    this.server = server
  }

  start(name: string, settings: Record<string, string> = {}) {
    return startProcess(
      runCommand(testConfig(settings), { untilEnd: false }).pipe(
        Effect.provide(Layer.merge(layerSimMysql(this.server, name), this.registry.layer))
      )
    )
  }

  produce(count: number): void {
    const partitions = this.kafka.topics.get("orders")?.logs.length ?? 1
    for (let i = 0; i < count; i++) this.kafka.append("orders", this.next % partitions, payment(this.next++))
  }

  history(): History {
    const logs = this.kafka.topics.get("orders")?.logs ?? []
    return {
      ...recordsOf(this.server),
      logs: logs.map((log, partition) => ({
        topic: "orders",
        partition,
        low: log.low,
        end: log.end,
        records: log.records().map(({ offset }) => ({
          offset,
          content: String(Number(offset) * logs.length + partition)
        })),
        aborted: []
      })),
      observations: []
    }
  }

  /** What is wrong, and where something is missing at the end. */
  findings(): ReadonlyArray<Finding> {
    const history = this.history()
    const behind = history.logs.flatMap((log): ReadonlyArray<Finding> => {
      const stored = history.stored.find(({ partition }) => partition === log.partition)?.offset ?? 0n
      return stored === log.end
        ? []
        : [{ kind: "lag never reached zero", what: `${log.partition}: ${stored} of ${log.end}` }]
    })
    return [...check(history), ...behind]
  }
}

/** Runs in virtual time, without a log. */
export const inWorld = <A, E>(
  body: (world: World) => Effect.Effect<A, E, Effect.Effect.Context<ReturnType<World["start"]>>>,
  { partitions = 2, seed = 0, ...options }: SimMysqlOptions & { readonly partitions?: number; readonly seed?: number } =
    {}
): A =>
  simulate(
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      kafka.createTopic("orders", partitions)
      return yield* body(new World(kafka, yield* simMysql(options)))
    }).pipe(
      Effect.provide(layerMemory({ fetchRecords: 50, pollIntervalMs: 100, sessionTimeoutMs: 6000 })),
      Logger.withMinimumLogLevel(LogLevel.None)
    ),
    seed
  )
