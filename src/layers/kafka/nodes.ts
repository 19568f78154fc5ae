import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connectionTimeoutMs, type KafkaClientOptions, requestTimeoutMs } from "./client.js"
import { classify, isTimeout, type KafkaError, unavailable } from "./errors.js"
import type { Broker, TransactionBroker } from "./internals.js"
import { KafkaBroker, kafkajs, makeConnectionPoolBuilder } from "./library.js"
import { makeSockets, type SocketReport } from "./sockets.js"

/**
 * Single requests to single brokers. kafkajs's own admin client keeps a list of topics and asks for all of them each
 * time, so that one topic which is gone makes every later request fail, and it retries on its own account; here the
 * caller decides.
 */
export interface Nodes {
  /** Some broker that answers: one that is connected, else the first of the list that can be. */
  readonly any: Effect.Effect<TransactionBroker, KafkaError>
  readonly at: (host: string, port: number) => Effect.Effect<TransactionBroker, KafkaError>
  readonly coordinator: (group: string) => Effect.Effect<TransactionBroker, KafkaError>
  readonly transactionCoordinator: (transactionalId: string) => Effect.Effect<TransactionBroker, KafkaError>
  /** Forgets connections that look alive and do not answer. */
  readonly reset: Effect.Effect<void>
  /** `doing` names the request in what it fails with: "cannot `doing`: …". */
  readonly request: <A>(doing: string, send: () => Promise<A>) => Effect.Effect<A, KafkaError>
  /**
   * A request to this node. If it is not answered in time the connections to the node are ended: on one that has gone
   * dead without a word every later request would wait as long.
   */
  readonly ask: <B extends Broker, A>(
    broker: B,
    doing: string,
    send: (broker: B) => Promise<A>
  ) => Effect.Effect<A, KafkaError>
}

export interface NodesOptions extends KafkaClientOptions {
  /** For one answer; 15 s unless given. */
  readonly requestTimeoutMs?: number
  /** Requests that wait for their answer, per node; unbounded unless given. */
  readonly maxInFlight?: number
  /** Hears when a node stops being reachable and when it is back; nobody does unless given. */
  readonly report?: (report: SocketReport) => void
}

export const makeNodes = (options: NodesOptions): Effect.Effect<Nodes, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { brokers, clientId, maxInFlight } = options
    const sockets = makeSockets(options.report ?? (() => {}))
    // A logger that says nothing: errors go to the caller, who knows what they mean.
    const logger = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).logger()
    const pools = makeConnectionPoolBuilder({
      brokers,
      clientId,
      logger,
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
      enforceRequestTimeout: true,
      ...(maxInFlight === undefined ? {} : { maxInFlightRequests: maxInFlight }),
      socketFactory: sockets.factory
    })
    const known = new Map<string, TransactionBroker>()
    // No good-bye: there is nothing to hand back, and kafkajs's would wait for every answer that is still to come.
    yield* Effect.addFinalizer(() => Effect.sync(sockets.destroy))
    const request: Nodes["request"] = (doing, send) =>
      Effect.tryPromise({ try: send, catch: (error) => classify(brokers, doing, error) })

    const ask: Nodes["ask"] = (broker, doing, send) =>
      Effect.tapError(request(doing, () => send(broker)), ({ cause }) =>
        isTimeout(cause) ? Effect.sync(() => sockets.reset(broker.brokerAddress)) : Effect.void)

    const at: Nodes["at"] = (host, port) =>
      request(`connect to ${host}:${port}`, async () => {
        const address = `${host}:${port}`
        const connectionPool = await pools.build({ host, port })
        const broker = known.get(address)
          ?? new KafkaBroker({ logger, allowAutoTopicCreation: false, connectionPool })
        known.set(address, broker)
        if (!broker.isConnected()) {
          await broker.connect()
        }
        return broker
      })

    const any: Nodes["any"] = Effect.suspend(() => {
      const connected = [...known.values()].find((broker) =>
        broker.isConnected()
      )
      if (connected !== undefined) return Effect.succeed(connected)
      // The reason of the last one is told; all addresses are.
      return Effect.firstSuccessOf([...new Set([...brokers, ...known.keys()])].map((address) => {
        const colon = address.lastIndexOf(":")
        return at(address.slice(0, colon), Number(address.slice(colon + 1)))
      })).pipe(Effect.catchTag("KafkaUnavailable", ({ cause }) => Effect.fail(unavailable(brokers, cause))))
    })

    const coordinatorOf = (what: string, name: string, coordinatorType: number) =>
      Effect.gen(function*() {
        const broker = yield* any
        const { coordinator: found } = yield* request(
          `find the coordinator of ${what} ${name}`,
          () => broker.findGroupCoordinator({ groupId: name, coordinatorType })
        )
        return yield* at(found.host, found.port)
      })
    const coordinator: Nodes["coordinator"] = (group) => coordinatorOf("group", group, 0)
    const transactionCoordinator: Nodes["transactionCoordinator"] = (id) => coordinatorOf("transactional id", id, 1)

    return { any, at, coordinator, transactionCoordinator, request, ask, reset: Effect.sync(() => sockets.reset()) }
  })
