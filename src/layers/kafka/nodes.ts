import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connectionTimeoutMs, type KafkaClientOptions, requestTimeoutMs } from "./client.js"
import { classify, type KafkaError, unavailable } from "./errors.js"
import type { Broker } from "./internals.js"
import { KafkaBroker, kafkajs, makeConnectionPoolBuilder } from "./library.js"
import { makeSockets } from "./sockets.js"

/**
 * Single requests to single brokers. kafkajs's own admin client keeps a list of topics and asks for all of them each
 * time, so that one topic which is gone makes every later request fail, and it retries on its own account; here the
 * caller decides.
 */
export interface Nodes {
  /** Some broker that answers: one that is connected, else the first of the list that can be. */
  readonly any: Effect.Effect<Broker, KafkaError>
  readonly at: (host: string, port: number) => Effect.Effect<Broker, KafkaError>
  readonly coordinator: (group: string) => Effect.Effect<Broker, KafkaError>
  /** Forgets connections that look alive and do not answer. */
  readonly reset: Effect.Effect<void>
  /** `doing` names the request in what it fails with: "cannot `doing`: …". */
  readonly request: <A>(doing: string, send: () => Promise<A>) => Effect.Effect<A, KafkaError>
}

export const makeNodes = (options: KafkaClientOptions): Effect.Effect<Nodes, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { brokers, clientId } = options
    const sockets = makeSockets(() => {})
    // A logger that says nothing: errors go to the caller, who knows what they mean.
    const logger = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).logger()
    const pools = makeConnectionPoolBuilder({
      brokers,
      clientId,
      logger,
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      enforceRequestTimeout: true,
      socketFactory: sockets.factory
    })
    const known = new Map<string, Broker>()
    // No good-bye: there is nothing to hand back, and kafkajs's would wait for every answer that is still to come.
    yield* Effect.addFinalizer(() => Effect.sync(sockets.destroy))
    const request: Nodes["request"] = (doing, send) =>
      Effect.tryPromise({ try: send, catch: (error) => classify(brokers, doing, error) })

    const at: Nodes["at"] = (host, port) =>
      request(`connect to ${host}:${port}`, async () => {
        const address = `${host}:${port}`
        const broker = known.get(address)
          ?? new KafkaBroker({
            logger,
            allowAutoTopicCreation: false,
            connectionPool: await pools.build({ host, port })
          })
        known.set(address, broker)
        if (!broker.isConnected()) await broker.connect()
        return broker
      })

    const any: Nodes["any"] = Effect.suspend(() => {
      const connected = [...known.values()].find((broker) => broker.isConnected())
      if (connected !== undefined) return Effect.succeed(connected)
      // The reason of the last one is told; all addresses are.
      return Effect.firstSuccessOf(brokers.map((address) => {
        const colon = address.lastIndexOf(":")
        return at(address.slice(0, colon), Number(address.slice(colon + 1)))
      })).pipe(Effect.catchTag("KafkaUnavailable", ({ cause }) => Effect.fail(unavailable(brokers, cause))))
    })

    const coordinator: Nodes["coordinator"] = (group) =>
      Effect.gen(function*() {
        const broker = yield* any
        const { coordinator: found } = yield* request(`find the coordinator of group ${group}`, () =>
          broker.findGroupCoordinator({ groupId: group, coordinatorType: 0 }))
        return yield* at(found.host, found.port)
      })

    return { any, at, coordinator, request, reset: Effect.sync(sockets.reset) }
  })
