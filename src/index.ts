/**
 * Tributary as a library: the main job as an Effect, its ports as services, and the layers that reach real servers or
 * stand in for them. None of it touches the process.
 *
 * ```ts
 * const config = Tributary.parseConfig({ files: [], environment: process.env, secrets: new Map(), overrides: [] })
 * const job = Effect.flatMap(config, (config) =>
 *   Tributary.run(config, { untilEnd: false }).pipe(Effect.provide(Tributary.layer(config))))
 * ```
 */
export { type Config, groupOf, tableOf } from "./domain/Config.js"
export { type ConfigProblem, renderProblem } from "./domain/config/ConfigProblem.js"
export { parseConfig } from "./domain/config/parse.js"
export type { ConfigSources } from "./domain/config/settings.js"
export type { FetchedBatch, KafkaRecord, LogRange } from "./domain/KafkaRecord.js"
export { Admin } from "./layers/Admin.js"
export { CommitFailed, Consumer, type Isolation, KafkaRefused, KafkaUnavailable } from "./layers/Consumer.js"
export { Destination, DestinationRefused, DestinationUnavailable } from "./layers/Destination.js"
export { Groups } from "./layers/Groups.js"
export { Producer } from "./layers/Producer.js"
export { SchemaRegistry } from "./layers/SchemaRegistry.js"
export { ProducerFenced, type TransactionalProducer, Transactions } from "./layers/Transactions.js"
export { CommandError, ExitCode } from "./programs/exitCodes.js"
export { consume, type ConsumeOptions, type Process } from "./programs/read/consume.js"
export { runCommand as run, type RunOptions } from "./programs/run.js"
export type { TransformOptions } from "./programs/transform/settings.js"
export { transformCommand as transform } from "./programs/transform/transform.js"
export {
  consuming as layer,
  producing as producerLayer,
  reading as readerLayer,
  transforming as transformLayer
} from "./programs/wiring.js"
