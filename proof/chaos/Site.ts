import type { Admin } from "kafkajs"
import type { Pool } from "mysql2/promise"
import type { KafkaCluster, Server } from "../../scripts/servers/index.mjs"
import type { World } from "../../test/e2e/support/World.js"
import type { Slot } from "./Slot.js"
import type { TcpProxy } from "../support/tcpProxy.js"

/** All that a run has started. */
export interface Site {
  readonly world: World
  readonly kafka: KafkaCluster
  readonly mysql: Server
  readonly registry: Server
  readonly registryProxy: TcpProxy
  /** Gives up early, unlike the world's: a fault may find all brokers away. */
  readonly admin: Admin
  /** As administrator, not through a proxy; makes new connections after the server was away. */
  readonly sql: Pool
  /** Those that run always, then those for members that come and go. */
  readonly slots: ReadonlyArray<Slot>
  readonly instances: number
  /** How many partitions a topic has by now. */
  readonly partitions: Map<string, number>
}

export const brokers = 3
