import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import type { ICustomPartitioner, IHeaders, Message, RecordMetadata } from "kafkajs"
import { KafkaRefused } from "../Consumer.js"
import { type Appended, type Compression, type OutgoingRecord, Producer } from "../Producer.js"
import { clientConfig, connectWithin, disconnectWithin, type KafkaClientOptions, patient } from "./client.js"
import { compressor, decompress } from "./codecs.js"
import { classify, unavailable } from "./errors.js"
import { kafkajs } from "./library.js"
import { logReport, makeClientLog } from "./log.js"
import { makeSockets } from "./sockets.js"

export interface KafkaProducerOptions extends KafkaClientOptions {
  readonly compression: Compression
}

/**
 * Largest batch that is sent, before compression. Brokers take 1 MiB by default (message.max.bytes); the rest is for
 * headers and framing. A larger record goes alone.
 */
const batchBytesMax = 768 * 1024
/** About ten seconds of an unreachable leader, then the caller decides. */
const retries = 15

/** Real brokers. Connects at the first `send`, so that a layer can be built while they are away. */
export const layer = (options: KafkaProducerOptions): Layer.Layer<Producer, KafkaRefused> =>
  Layer.scoped(Producer, make(options))

const make = (options: KafkaProducerOptions) =>
  Effect.gen(function*() {
    const { brokers, compression } = options
    yield* registerCodec(compression)
    const run = yield* FiberSet.makeRuntime()
    const sockets = makeSockets((report) => run(logReport(report)))
    const log = makeClientLog(run)
    const kafka = new kafkajs.Kafka({
      ...clientConfig(options, sockets),
      logLevel: kafkajs.logLevel.WARN,
      logCreator: () => log
    })
    const chosen = new WeakMap<Message, number>()
    const producer = kafka.producer({
      createPartitioner: stablePartitioner(chosen),
      allowAutoTopicCreation: false,
      // A request whose answer is lost is sent again: with sequence numbers the broker keeps one of the two.
      idempotent: true,
      retry: { ...patient, retries }
    })
    yield* Effect.addFinalizer(() =>
      Effect.tryPromise(() => producer.disconnect()).pipe(
        Effect.interruptible,
        Effect.timeoutOption(disconnectWithin),
        Effect.ignoreLogged,
        Effect.ensuring(Effect.sync(sockets.destroy))
      )
    )
    const connect = Effect.tryPromise({
      try: () => producer.connect(),
      catch: (error) => classify(brokers, "connect", error)
    }).pipe(
      Effect.timeoutFail({
        duration: connectWithin,
        onTimeout: () => unavailable(brokers, new Error(`no answer within ${connectWithin}`))
      })
    )
    // Kafkajs numbers the batches when it begins to send: two at once could arrive in another order (tulios/kafkajs#1005).
    const one = yield* Effect.makeSemaphore(1)
    let connected = false
    const send = Effect.fn("KafkaProducer.send")(function*(topic: string, records: ReadonlyArray<OutgoingRecord>) {
      if (!connected) {
        yield* connect
        connected = true
      }
      return yield* Effect.forEach(batchesOf(records), (messages) =>
        Effect.tryPromise({
          try: () => producer.send({ topic, messages, acks: -1, compression: codes[compression] }),
          catch: (error) => classify(brokers, `write to topic ${topic}`, error)
        }).pipe(Effect.map((answers) => appended(answers, messages.map((message) => chosen.get(message))))))
    })
    return Producer.of({
      send: (topic, records) => one.withPermits(1)(Effect.map(send(topic, records), (batches) => batches.flat()))
    })
  })

const appended = (
  answers: ReadonlyArray<RecordMetadata>,
  partitions: ReadonlyArray<number | undefined>
): ReadonlyArray<Appended> =>
  answers.map(({ baseOffset, partition }) => ({
    partition,
    baseOffset: baseOffset === undefined ? undefined : BigInt(baseOffset),
    count: partitions.filter((each) => each === partition).length
  }))

const types = kafkajs.CompressionTypes
const codes = { none: types.None, gzip: types.GZIP, snappy: types.Snappy, lz4: types.LZ4, zstd: types.ZSTD } as const

/** kafkajs has gzip only, and one table of codecs for the whole process. */
const registerCodec = (compression: Compression): Effect.Effect<void, KafkaRefused> => {
  if (compression === "none" || compression === "gzip") return Effect.void
  return Either.match(compressor(compression), {
    onLeft: (what) => Effect.fail(new KafkaRefused({ what, cure: "choose gzip, snappy or lz4, or a newer Node" })),
    onRight: (compress) =>
      Effect.sync(() => {
        const codec = () => ({
          compress: async (encoder: { readonly buffer: Buffer }) => Buffer.from(compress(encoder.buffer)),
          decompress: async (bytes: Buffer) =>
            Buffer.from(Either.getOrThrowWith(decompress(compression, bytes), (reason) => new Error(reason)))
        })
        if (compression === "snappy") kafkajs.CompressionCodecs[types.Snappy] = codec
        if (compression === "lz4") kafkajs.CompressionCodecs[types.LZ4] = codec
        if (compression === "zstd") kafkajs.CompressionCodecs[types.ZSTD] = codec
      })
  })
}

/**
 * kafkajs chooses the partitions again when it retries. A record without a key would then go to another partition, and
 * the broker could not see that it has it already.
 */
const stablePartitioner = (chosen: WeakMap<Message, number>): ICustomPartitioner => () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner()
  return (args) => {
    const partition = chosen.get(args.message) ?? choose(args)
    chosen.set(args.message, partition)
    return partition
  }
}

const batchesOf = (records: ReadonlyArray<OutgoingRecord>): ReadonlyArray<Array<Message>> => {
  const batches: Array<Array<Message>> = []
  let current: Array<Message> = []
  let bytes = 0
  for (const record of records) {
    const size = 64 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
      + (record.headers ?? []).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
    if (bytes + size > batchBytesMax && current.length > 0) {
      batches.push(current)
      current = []
      bytes = 0
    }
    current.push(messageOf(record))
    bytes += size
  }
  if (current.length > 0) batches.push(current)
  return batches
}

const messageOf = ({ headers, key, partition, timestampMs, value }: OutgoingRecord): Message => ({
  key: bufferOf(key),
  value: bufferOf(value),
  ...(partition === undefined ? {} : { partition }),
  ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  ...(headers === undefined ? {} : { headers: headersOf(headers) })
})

const bufferOf = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** kafkajs takes an object: equal names keep their order, different ones are grouped. */
const headersOf = (headers: ReadonlyArray<readonly [name: string, value: Uint8Array]>): IHeaders => {
  const grouped: Record<string, Array<Buffer>> = {}
  for (const [name, value] of headers) (grouped[name] ??= []).push(Buffer.from(value))
  return grouped
}
