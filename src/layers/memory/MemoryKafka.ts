import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Admin } from "../Admin.js"
import { Consumer } from "../Consumer.js"
import { Producer } from "../Producer.js"
import { Topics } from "../Topics.js"
import { Transactions } from "../Transactions.js"
import { makeAdmin } from "./MemoryAdmin.js"
import { MemoryCluster, type MemoryClusterOptions, MemoryKafka } from "./MemoryCluster.js"
import { makeConsumer } from "./MemoryConsumer.js"
import { makeTopics } from "./MemoryTopics.js"
import { makeProducer } from "./MemoryProducer.js"
import { makeTransactions } from "./MemoryTransactions.js"
import { makeServerTime } from "./ServerTime.js"

export { MemoryKafka } from "./MemoryCluster.js"

type Settings = Pick<MemoryClusterOptions, "fetchRecords" | "pollIntervalMs"> & Partial<MemoryClusterOptions>

/**
 * All of Kafka in memory. Unless told otherwise there is one broker, heartbeats are as often as polls, sessions last
 * 10 s and rebalances as long as sessions, as with the real client; groups do not wait for more members, and transactions
 * may be open for 15 minutes.
 */
export const layerMemory = (
  settings: Settings
): Layer.Layer<Consumer | Admin | Producer | Transactions | Topics | MemoryKafka> =>
  Layer.scopedContext(Effect.map(makeServerTime, (time) => {
    const defaults = {
      heartbeatIntervalMs: settings.pollIntervalMs,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: settings.sessionTimeoutMs ?? 10_000,
      rebalanceDelayMs: 0,
      brokers: 1,
      transactionTimeoutMsMax: 15 * 60_000
    }
    const cluster = new MemoryCluster({ ...defaults, ...settings }, time)
    return Context.make(MemoryKafka, cluster).pipe(
      Context.add(Consumer, makeConsumer(cluster)),
      Context.add(Admin, makeAdmin(cluster)),
      Context.add(Producer, makeProducer(cluster)),
      Context.add(Transactions, makeTransactions(cluster)),
      Context.add(Topics, makeTopics(cluster))
    )
  }))
