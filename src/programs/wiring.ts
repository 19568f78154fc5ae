import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ClientConfig, Config } from "../domain/Config.js"
import { mysql } from "../domain/sql/mysql.js"
import { sqlite } from "../domain/sql/sqlite.js"
import type { Admin } from "../layers/Admin.js"
import { type Consumer, KafkaRefused } from "../layers/Consumer.js"
import type { Destination } from "../layers/Destination.js"
import { layerNoop } from "../layers/InstanceLock.js"
import type { LogReader } from "../layers/LogReader.js"
import type { Compression, Producer } from "../layers/Producer.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"

/** The path of a `file:` URL, undefined for anything else. */
const filePath = (address: string | undefined): string | undefined =>
  address?.startsWith("file:") === true ? address.slice("file:".length) : undefined

const clientOptions = (config: ClientConfig) => ({ brokers: config.bootstrapServers, clientId: config.pipelineName })

/**
 * The layers that a configuration names, by the scheme of its addresses. Clients are loaded only where they are used:
 * the demonstration must not wait for a Kafka client.
 */
const consumerLayer = (config: ClientConfig): Layer.Layer<Consumer> => {
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

const producerLayer = (config: ClientConfig, compression: Compression): Layer.Layer<Producer, KafkaRefused> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root === undefined) {
      return (await import("../layers/kafka/KafkaProducer.js")).layer({ ...clientOptions(config), compression })
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

const logReaderLayer = (config: ClientConfig): Layer.Layer<LogReader> => {
  const root = filePath(config.bootstrapServers[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (root !== undefined) return (await import("../layers/embedded/FileLogReader.js")).layer(root)
    return (await import("../layers/kafka/KafkaLogReader.js")).layer(clientOptions(config))
  }))
}

const registryLayer = ({ registryUrls }: ClientConfig): Layer.Layer<SchemaRegistry> => {
  const folder = filePath(registryUrls[0])
  return Layer.unwrapEffect(Effect.promise(async () => {
    if (folder !== undefined) return (await import("../layers/registry/DirectoryRegistry.js")).layer(folder)
    return (await import("../layers/registry/HttpRegistry.js")).layer(registryUrls)
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
    return layerMysql({ ...database, dialect: mysql, autoCreate, ddlLockTimeoutMs })
  }))
}

/** What `produce` needs: no database has to be named. Refused where the runtime lacks the codec. */
export const producing = (
  config: ClientConfig,
  compression: Compression
): Layer.Layer<Producer | Admin | SchemaRegistry, KafkaRefused> =>
  Layer.mergeAll(producerLayer(config, compression), adminLayer(config), registryLayer(config))

/** What `verify` needs: no membership of any group. */
export const verifying = (config: Config): Layer.Layer<Admin | LogReader | Destination> =>
  Layer.mergeAll(adminLayer(config), logReaderLayer(config), destinationLayer(config))

/** What the main job needs. Nothing is connected yet: that is the programs' business, with patience. */
export const consuming = (config: Config): Layer.Layer<Consumer | Admin | SchemaRegistry | Destination> =>
  Layer.mergeAll(consumerLayer(config), adminLayer(config), registryLayer(config), destinationLayer(config))
