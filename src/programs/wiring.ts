import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ClientConfig, Config } from "../domain/Config.js"
import type { ConsumerSettings } from "../domain/consumerProperties.js"
import type { ProducerSettings } from "../domain/producerProperties.js"
import { sqlite } from "../domain/sql/sqlite.js"
import type { Admin } from "../layers/Admin.js"
import { type Consumer, KafkaRefused } from "../layers/Consumer.js"
import { type Catalog, layerNone as noCatalog } from "../layers/Catalog.js"
import type { DeadLetters } from "../layers/DeadLetters.js"
import type { Destination } from "../layers/Destination.js"
import type { Groups } from "../layers/Groups.js"
import { layerNoop } from "../layers/InstanceLock.js"
import type { LogReader } from "../layers/LogReader.js"
import type { Producer } from "../layers/Producer.js"
import type { RawLog, SegmentFiles } from "../layers/RawLog.js"
import { layerNone as noPositions, type Positions } from "../layers/Positions.js"
import type { RecordTimes } from "../layers/RecordTimes.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { Transactions } from "../layers/Transactions.js"
import type { Topics } from "../layers/Topics.js"

/** The path of a `file:` URL, undefined for anything else. */
const filePath = (address: string | undefined): string | undefined =>
  address?.startsWith("file:") === true ? address.slice("file:".length) : undefined

const clientOptions = (config: ClientConfig) => ({ brokers: config.bootstrapServers, clientId: config.pipelineName })

/**
 * The layers that a configuration names, by the scheme of its addresses. Clients are loaded only where they are used:
 * the demonstration must not wait for a Kafka client.
 */
const consumerLayer = (
  config: ClientConfig & Partial<Pick<ConsumerSettings, "fetchMaxBytes" | "fetchMinBytes">>
): Layer.Layer<Consumer> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileLogConsumer.js")).layer({ ...config, root })
    const [{ layer: kafka }, { layer: lock }] = await Promise.all([
      import("../layers/kafka/KafkaConsumer.js"),
      import("../layers/instanceLockFile.js")
    ])
    return kafka({ ...clientOptions(config), ...config }).pipe(
      Layer.provide(config.stateDir === undefined ? layerNoop : lock(config.stateDir))
    )
  }))
}

const adminLayer = (config: ClientConfig): Layer.Layer<Admin> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileLogAdmin.js")).layer(root)
    return (await import("../layers/kafka/KafkaAdmin.js")).layer(clientOptions(config))
  }))
}

const acksCodes = { "0": 0, "1": 1, "all": -1 } as const

const producerOptions = (config: ClientConfig, settings: ProducerSettings) => ({
  ...clientOptions(config),
  compression: settings.compression,
  retries: settings.retries,
  retryBackoffMs: settings.retryBackoffMs,
  requestTimeoutMs: settings.requestTimeoutMs,
  maxInFlight: settings.maxInFlight
})

const producerLayer = (config: ClientConfig, settings: ProducerSettings): Layer.Layer<Producer, KafkaRefused> => {
  const root = filePath(config.bootstrapServers[0])
  const { acks, compression, enableIdempotence: idempotent } = settings
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root === undefined) {
      const { layer: kafka } = await import("../layers/kafka/KafkaProducer.js")
      return kafka({ ...producerOptions(config, settings), acks: acksCodes[acks], idempotent })
    }
    const { layer: fileLog } = await import("../layers/embedded/FileLogProducer.js")
    if (compression === "none") return fileLog({ root })
    if (compression === "gzip") {
      return fileLog({ root, codec: (await import("../layers/embedded/gzipCodec.js")).gzipCodec })
    }
    return Layer.fail(
      new KafkaRefused({ what: `the embedded log has no ${compression} codec`, cure: "use --compression gzip or none" })
    )
  }))
}

const noTransactions = new KafkaRefused({
  what: "the embedded log has no transactions",
  cure: "name brokers: kafka.bootstrap.servers"
})

/** Refused when a transactional id is opened: a producer without one works on any log. */
const producerTransactionsLayer = (
  config: ClientConfig,
  settings: ProducerSettings
): Layer.Layer<Transactions, KafkaRefused> => {
  if (filePath(config.bootstrapServers[0]) !== undefined) {
    return Layer.succeed(Transactions, Transactions.of({ open: () => Effect.fail(noTransactions) }))
  }
  return Layer.unwrapEffect(Effect.promise(async () => {
    const { layer: kafka } = await import("../layers/kafka/KafkaTransactions.js")
    return kafka(producerOptions(config, settings))
  }))
}

const transactionsLayer = (config: ClientConfig): Layer.Layer<Transactions, KafkaRefused> => {
  if (filePath(config.bootstrapServers[0]) !== undefined) return Layer.fail(noTransactions)
  return Layer.unwrapEffect(Effect.promise(async () => {
    const { layer: kafka } = await import("../layers/kafka/KafkaTransactions.js")
    return kafka({ ...clientOptions(config), compression: "none" })
  }))
}

const logReaderLayer = (config: ClientConfig): Layer.Layer<LogReader> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileLogReader.js")).layer(root)
    const { fetchMaxBytesPerPartition } = config
    return (await import("../layers/kafka/KafkaLogReader.js")).layer({
      ...clientOptions(config),
      fetchMaxBytesPerPartition
    })
  }))
}

const rawLogLayer = (config: ClientConfig): Layer.Layer<RawLog> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileRawLog.js")).layer(root)
    return (await import("../layers/kafka/KafkaRawLog.js")).layer(clientOptions(config))
  }))
}

const topicsLayer = (config: ClientConfig): Layer.Layer<Topics> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileLogTopics.js")).layer(root)
    return (await import("../layers/kafka/KafkaTopics.js")).layer(clientOptions(config))
  }))
}

/** Segment files beside any cluster. */
export const segmentFilesLayer: Layer.Layer<SegmentFiles> = Layer.unwrapEffect(
  Effect.promise(async () => (await import("../layers/embedded/SegmentFiles.js")).layer)
)

const registryLayer = ({ registryAccess, registryUrls }: ClientConfig): Layer.Layer<SchemaRegistry> => {
  const folder = filePath(registryUrls[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (folder !== undefined) return (await import("../layers/registry/DirectoryRegistry.js")).layer(folder)
    return (await import("../layers/registry/HttpRegistry.js")).layer({ urls: registryUrls, ...registryAccess })
  }))
}

const destinationLayer = (config: Config): Layer.Layer<Destination> => {
  const database = config.mysql
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (database.kind === "libsql") {
      return (await import("../layers/embedded/LibsqlDestination.js")).layer({
        file: database.file,
        dialect: sqlite,
        autoCreate: config.autoCreate
      })
    }
    const { layerMysql } = await import("../layers/mysql/layer.js")
    const { autoCreate, ddlLockTimeoutMs } = config
    return layerMysql({ ...database, autoCreate, ddlLockTimeoutMs })
  }))
}

/** What `produce` needs: no database has to be named. Refused where the runtime lacks the codec. */
export const producing = (
  config: ClientConfig,
  settings: ProducerSettings
): Layer.Layer<Producer | Transactions | Admin | SchemaRegistry, KafkaRefused> =>
  Layer.mergeAll(
    producerLayer(config, settings),
    producerTransactionsLayer(config, settings),
    adminLayer(config),
    registryLayer(config)
  )

/**
 * What `read` needs. Without the state directory: its lock is the main job's, and a read that is killed has no offsets of
 * ours to hurry for.
 */
export const reading = (
  config: ClientConfig,
  client: ConsumerSettings
): Layer.Layer<Consumer | Admin | RecordTimes | SchemaRegistry> => {
  const { fetchMaxBytes, fetchMinBytes, heartbeatIntervalMs, sessionTimeoutMs } = client
  return Layer.mergeAll(
    consumerLayer({
      ...config,
      fetchMaxBytes,
      fetchMinBytes,
      heartbeatIntervalMs,
      sessionTimeoutMs,
      stateDir: undefined
    }),
    adminLayer(config),
    groupsLayer(config),
    registryLayer(config)
  )
}

/** What `transform` needs. Refused where the log has no transactions. */
export const transforming = (config: ClientConfig): Layer.Layer<Consumer | Admin | Transactions, KafkaRefused> =>
  Layer.mergeAll(consumerLayer(config), adminLayer(config), transactionsLayer(config))

const catalogLayer = ({ ddlLockTimeoutMs, mysql: database }: Config): Layer.Layer<Catalog> =>
  database.kind === "libsql" ?
    noCatalog :
    Layer.unwrapEffect(
      Effect.promise(async () =>
        (await import("../layers/mysql/MysqlCatalog.js")).layer({ ...database, ddlLockTimeoutMs })
      )
    )

/** What `plan` and `apply` need: Kafka only where a pattern names the topics. */
export const planning = (config: Config): Layer.Layer<SchemaRegistry | Catalog | Topics> =>
  Layer.mergeAll(registryLayer(config), catalogLayer(config), topicsLayer(config))

const lettersLayer = ({ ddlLockTimeoutMs, mysql: database }: Config): Layer.Layer<DeadLetters> =>
  Layer.unwrapEffect(Effect.promise(async () =>
    database.kind === "libsql"
      ? (await import("../layers/embedded/libsqlLetters.js")).layer(database.file)
      : (await import("../layers/mysql/letters.js")).layer({ ...database, ddlLockTimeoutMs })
  ))

/** What `dlq` needs: no Kafka at all. */
export const lettering = (config: Config): Layer.Layer<DeadLetters | Destination | SchemaRegistry> =>
  Layer.mergeAll(lettersLayer(config), destinationLayer(config), registryLayer(config))

/** What `verify` needs: no membership of any group. */
export const verifying = (config: Config): Layer.Layer<Admin | LogReader | Destination | Topics> =>
  Layer.mergeAll(adminLayer(config), logReaderLayer(config), destinationLayer(config), topicsLayer(config))

/** What looking at topics and logs needs. A registry is there too where one is named. */
export const browsing = (config: ClientConfig): Layer.Layer<Topics | RawLog | Admin> => {
  const brokers = Layer.mergeAll(topicsLayer(config), rawLogLayer(config), adminLayer(config))
  return config.registryUrls.length === 0 ? brokers : Layer.merge(brokers, registryLayer(config))
}

const groupsLayer = (config: ClientConfig): Layer.Layer<Groups | RecordTimes> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) {
      const [groups, times] = await Promise.all([
        import("../layers/embedded/FileLogGroups.js"),
        import("../layers/embedded/FileLogRecordTimes.js")
      ])
      return Layer.merge(groups.layer(root), times.layer(root))
    }
    const [groups, times] = await Promise.all([
      import("../layers/kafka/KafkaGroups.js"),
      import("../layers/kafka/KafkaRecordTimes.js")
    ])
    return Layer.merge(groups.layer(clientOptions(config)), times.layer(clientOptions(config)))
  }))
}

const positionsLayer = (config: Config | undefined): Layer.Layer<Positions> => {
  if (config === undefined) return noPositions
  const { ddlLockTimeoutMs, mysql: database } = config
  return Layer.unwrapEffect(Effect.promise(async () =>
    database.kind === "libsql"
      ? (await import("../layers/embedded/libsqlPositions.js")).layer(database.file)
      : (await import("../layers/mysql/positions.js")).layer({ ...database, ddlLockTimeoutMs })
  ))
}

/** What looking at groups needs: no membership, and no database unless the pipeline's own groups are looked at. */
export const watching = (
  config: ClientConfig,
  database: Config | undefined
): Layer.Layer<Admin | Groups | RecordTimes | Positions | Topics> =>
  Layer.mergeAll(adminLayer(config), groupsLayer(config), positionsLayer(database), topicsLayer(config))

/** What the main job needs. Nothing is connected yet: that is the programs' business, with patience. */
export const consuming = (config: Config): Layer.Layer<Consumer | Admin | SchemaRegistry | Destination | Topics> =>
  Layer.mergeAll(
    consumerLayer(config),
    adminLayer(config),
    registryLayer(config),
    destinationLayer(config),
    topicsLayer(config)
  )
