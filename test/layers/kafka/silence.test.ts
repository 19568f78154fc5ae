import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope, TestClock } from "effect"
import { Consumer } from "../../../src/layers/Consumer.js"
import { layerNoop } from "../../../src/layers/InstanceLock.js"
import { layer } from "../../../src/layers/kafka/KafkaConsumer.js"
import { makeSockets } from "../../../src/layers/kafka/sockets.js"
import { listenSilently } from "./silentBroker.js"

const silentBroker = Effect.acquireRelease(Effect.promise(listenSilently), (broker) => Effect.sync(broker.close))

// kafkajs waits for answers without a deadline of its own when it disconnects (tulios/kafkajs#967, #903).
it.scoped("joining at a broker that never answers ends at its deadline, and leaves no connection behind", () =>
  Effect.gen(function*() {
    const { connected, port } = yield* silentBroker
    const consumer = yield* Consumer.pipe(Effect.provide(
      layer({
        brokers: [`127.0.0.1:${port}`],
        clientId: "c",
        sessionTimeoutMs: 6000,
        heartbeatIntervalMs: 1000,
        pollIntervalMs: 100,
        fetchMaxBytesPerPartition: 1024
      }).pipe(Layer.provide(layerNoop))
    ))
    const connection = connected()
    const scope = yield* Scope.make()
    const join = consumer.join({ topic: "t", group: "g", onBatch: () => "fetch" }).pipe(
      Scope.extend(scope),
      Effect.flip
    )
    const joining = yield* Effect.fork(join)
    const socket = yield* Effect.promise(() => connection)
    const closed = new Promise((resolve) => socket.on("close", resolve))
    yield* TestClock.adjust("5 seconds")
    assert.strictEqual((yield* Fiber.join(joining)).name, "KafkaUnavailable")
    const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(closing)
    yield* Effect.promise(() => closed)
  }))

it.scoped("a client that is closed ends its connections with an error, and opens none in the background", () =>
  Effect.gen(function*() {
    const { connected, port } = yield* silentBroker
    const sockets = makeSockets(() => undefined)
    const options = { host: "127.0.0.1", port, ssl: null, onConnect: () => undefined }
    const connection = connected()
    const ended = new Promise<Error>((resolve) =>
      Reflect.apply(sockets.factory, undefined, [options]).on("error", resolve)
    )
    yield* Effect.promise(() => connection)
    sockets.destroy()
    assert.match((yield* Effect.promise(() => ended)).message, /the client is closed/)
    assert.throws(() => Reflect.apply(sockets.factory, undefined, [options]), /the client is closed/)
  }))

it.scoped("a socket that has ended takes no listener for each time that kafkajs disconnects it again", () =>
  Effect.gen(function*() {
    const { connected, port } = yield* silentBroker
    const sockets = makeSockets(() => undefined)
    const connection = connected()
    const options = { host: "127.0.0.1", port, ssl: null, onConnect: () => undefined }
    const socket = Reflect.apply(sockets.factory, undefined, [options])
    yield* Effect.promise(() => connection)
    const closed = new Promise((resolve) => socket.on("close", resolve))
    socket.destroy()
    yield* Effect.promise(() => closed)
    const before = socket.listenerCount("connect")
    for (let times = 0; times < 12; times++) socket.end().unref()
    assert.strictEqual(socket.listenerCount("connect"), before)
  }))
