/** A running server. Its port and (but for the registry, which is in memory) its data survive `kill` and `restart`. */
export interface Server {
  /** Kafka: `host:port[,…]`; registry: `http://host:port/apis/ccompat/v7`; MySQL, MariaDB: `mysql://root@127.0.0.1:port`. */
  readonly address: string
  /** Of the first broker, for Kafka; 0 while it is down. */
  readonly pid: number
  readonly isAlive: () => Promise<boolean>
  /** Sends a signal (SIGKILL if not named) and waits for the end, unless it is SIGSTOP or SIGCONT. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
  /** Starts it again after `kill`, and waits until it is ready. */
  readonly start: () => Promise<void>
  /** `kill` (SIGTERM if not named), then `start`. */
  readonly restart: (signal?: NodeJS.Signals) => Promise<void>
  /** Ends it at once and deletes its data. */
  readonly stop: () => Promise<void>
}

/** `node` (0, 1, 2) names one broker; without it, all. */
export interface KafkaCluster extends Server {
  readonly kill: (signal?: NodeJS.Signals, node?: number) => Promise<void>
  readonly start: (node?: number) => Promise<void>
  readonly restart: (signal?: NodeJS.Signals, node?: number) => Promise<void>
}

interface Where {
  /** The folder in which the server's own folder is made; without it, the system's temporary folder. */
  readonly dir?: string
  /** It outlives this process. Otherwise it ends with this process, however that ends. */
  readonly detached?: boolean
}

export type KafkaProps = Readonly<Record<string, string | number | boolean>>

export interface KafkaOptions extends Where {
  /** 4.1.0 if not named. Up to 2.x the broker runs with its own ZooKeeper, from 3.x on as KRaft. */
  readonly version?: string
  readonly nodes?: 1 | 3
  /** Broker properties, stronger than those of the harness; or what makes them for a node (0, 1, 2) from those. */
  readonly props?: KafkaProps | ((node: number, own: KafkaProps) => KafkaProps)
  /** Of the Java machine, `512m` if not named. */
  readonly heap?: string
  /** More arguments of the Java machine. */
  readonly java?: ReadonlyArray<string>
}

export interface MysqlOptions extends Where {
  /** More arguments of the server's program. */
  readonly args?: ReadonlyArray<string>
}

export const startKafka: (options?: KafkaOptions) => Promise<KafkaCluster>
export const startRegistry: (options?: Where) => Promise<Server>
export const startMysql: (options?: MysqlOptions) => Promise<Server>
export const startMariadb: (options?: MysqlOptions) => Promise<Server>

/** How a server can be had on this machine, or why not. */
export type Means = { readonly via: "local" | "docker"; readonly missing?: never } | { readonly missing: string }
export const kafkaMeans: () => Promise<Means>
export const registryMeans: () => Promise<Means>
export const mysqlMeans: () => Promise<Means>
export const mariadbMeans: () => Promise<Means>

/** One process at a time per lock file; the lock of a process that died is taken over. */
export const withLock: <A>(file: string, body: () => Promise<A>) => Promise<A>

/** Ports that nobody listens on, below the range from which systems give ports to outgoing connections. */
export const freePorts: (count: number) => Promise<ReadonlyArray<number>>

/** Where downloads are kept. */
export const cacheRoot: () => string
