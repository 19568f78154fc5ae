import * as Schema from "effect/Schema"

/** Raised whenever a plan means something else than before; a corpus keeps plans, not seeds, so that they outlive that. */
export const scenarioVersion = 1

const at = { atMs: Schema.Number }
const lasting = { ...at, forMs: Schema.Number }
const one = { process: Schema.Int }
const place = { topic: Schema.String, partition: Schema.Int }

const kinds = ["good", "garbage", "refused", "rounded", "tombstone", "hidden"] as const
export type RecordKind = typeof kinds[number]

/** What is done to the world at a time. What lasts is undone by itself, at the latest when the faults stop. */
export const Action = Schema.Union(
  Schema.Struct({ do: Schema.Literal("produce"), ...at, ...place, records: Schema.Array(Schema.Literal(...kinds)) }),
  /** Records in some partitions of one topic, which are decided later. */
  Schema.Struct({
    do: Schema.Literal("transaction"),
    ...lasting,
    topic: Schema.String,
    partitions: Schema.Array(Schema.Int),
    count: Schema.Int,
    commits: Schema.Boolean
  }),
  /** SIGKILL, and another one in its place. `power`: with its machine, so that nobody closes its connections. */
  Schema.Struct({ do: Schema.Literal("kill"), ...lasting, ...one, power: Schema.Boolean }),
  /** SIGTERM, and another one in its place. */
  Schema.Struct({ do: Schema.Literal("stop"), ...lasting, ...one }),
  /** SIGSTOP, then SIGCONT: a zombie. */
  Schema.Struct({ do: Schema.Literal("freeze"), ...lasting, ...one }),
  Schema.Struct({ do: Schema.Literal("cut"), ...lasting, ...one, from: Schema.Literal("kafka", "mysql", "both") }),
  /** The coordinator forgets its members. */
  Schema.Struct({ do: Schema.Literal("evict"), ...at, ...one }),
  Schema.Struct({ do: Schema.Literal("crashClient"), ...at, ...one }),
  Schema.Struct({ do: Schema.Literal("stopBroker"), ...lasting, broker: Schema.Int }),
  Schema.Struct({ do: Schema.Literal("moveLeader"), ...at, ...place, to: Schema.Int }),
  Schema.Struct({ do: Schema.Literal("moveCoordinator"), ...at, topic: Schema.String, to: Schema.Int }),
  Schema.Struct({ do: Schema.Literal("grow"), ...at, topic: Schema.String }),
  /** Retention takes all that is stored, never more. */
  Schema.Struct({ do: Schema.Literal("trim"), ...at, ...place }),
  /** So many records come, and retention takes all that is stored and as many offsets more: what nobody has written. */
  Schema.Struct({ do: Schema.Literal("overtake"), ...at, ...place, beyond: Schema.Int }),
  /** The topic is deleted, and later there is another one of its name, with this many partitions and records in each. */
  Schema.Struct({
    do: Schema.Literal("recreate"),
    ...lasting,
    topic: Schema.String,
    partitions: Schema.Int,
    records: Schema.Int
  }),
  Schema.Struct({
    do: Schema.Literal("registry"),
    ...lasting,
    fault: Schema.Literal("refused", "silent", "unavailable", "not found", "slow", "page", "bad gateway")
  }),
  Schema.Struct({ do: Schema.Literal("stopMysql"), ...lasting, silently: Schema.Boolean }),
  Schema.Struct({ do: Schema.Literal("failOver"), ...at, lost: Schema.Int, silently: Schema.Boolean }),
  Schema.Struct({ do: Schema.Literal("readOnly"), ...lasting }),
  Schema.Struct({ do: Schema.Literal("diskFull"), ...lasting }),
  Schema.Struct({ do: Schema.Literal("slowMysql"), ...lasting, ms: Schema.Int })
)
export type Action = typeof Action.Type

/** How often each request, or each fault point, meets a fault while there are faults; 0: never. */
const Rates = Schema.Struct({
  mysqlError: Schema.Number,
  mysqlSlow: Schema.Number,
  /** Connections that break, or fall silent, before or after the server has done what it was asked. */
  mysqlLost: Schema.Number,
  /** The same at COMMIT alone: the outcome is unknown. */
  commitLost: Schema.Number,
  group: Schema.Number,
  fetch: Schema.Number,
  admin: Schema.Number,
  slip: Schema.Number,
  /** At fault points of the production code. */
  delay: Schema.Number,
  freeze: Schema.Number,
  kill: Schema.Number
})
export type Rates = typeof Rates.Type

/** A whole scenario. What it leaves open (who runs next, which request meets a fault) is chosen by its seed. */
export const Plan = Schema.Struct({
  version: Schema.Int,
  seed: Schema.Int,
  processes: Schema.Int,
  brokers: Schema.Int,
  topics: Schema.Array(Schema.Struct({ name: Schema.String, partitions: Schema.Int })),
  settings: Schema.Record({ key: Schema.String, value: Schema.String }),
  rates: Rates,
  /** By time. */
  actions: Schema.Array(Action),
  /** From here on nothing goes wrong any more. */
  quietMs: Schema.Number
})
export type Plan = typeof Plan.Type
