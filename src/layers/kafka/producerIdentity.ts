import * as Effect from "effect/Effect"
import { KafkaRefused } from "../Consumer.js"
import { classify, type KafkaError } from "./errors.js"
import type { Broker } from "./internals.js"
import { apiKeys, Encoder, errorOfCode } from "./library.js"
import type { Nodes } from "./nodes.js"

/** What a broker knows a producer by (KIP-98). Of two with the same id, the higher epoch fences the lower. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** On whose behalf; its coordinator is asked. Without one any broker is. */
export interface TransactionalIdentity {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Asks for the next epoch, and is refused where somebody else has it already (KIP-360). */
  readonly current?: ProducerIdentity
}

/** From 2 on (Kafka 2.4) flexible, from 3 on (2.5) with the current identity, from 4 on (2.7) with an error of its own. */
const versions = { min: 2, max: 4 } as const
/** The first in which a producer that was fenced is told so, instead of fencing the others. */
const transactionalVersion = 3
const none: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }
/** PRODUCER_FENCED, which kafkajs does not know, and INVALID_PRODUCER_EPOCH, by which older brokers say the same. */
const fencedCode = 90
const invalidEpochCode = 47

export const askIdentity = (
  nodes: Nodes,
  brokers: ReadonlyArray<string>,
  broker: Broker,
  transaction?: TransactionalIdentity
): Effect.Effect<ProducerIdentity, KafkaError> =>
  Effect.gen(function*() {
    const offered = broker.versions?.[apiKeys.InitProducerId]?.maxVersion ?? 0
    const needed = transaction === undefined ? versions.min : transactionalVersion
    if (offered < needed) {
      return yield* new KafkaRefused({
        what: `broker ${broker.brokerAddress} speaks InitProducerId up to version ${offered}, ${needed} is needed`,
        cure: transaction === undefined ? "run brokers between 2.4 and 4.x" : "transactions need brokers from 2.5 on"
      })
    }
    const doing = transaction === undefined
      ? "get a producer id"
      : `initialise transactional id ${transaction.transactionalId}`
    const version = Math.min(versions.max, offered)
    const { errorCode, ...identity } = yield* nodes.ask(broker, doing, () => request(broker, version, transaction))
    if (errorCode === 0) return identity
    return yield* classify(brokers, doing, errorOfCode(errorCode === fencedCode ? invalidEpochCode : errorCode))
  })

/** Rejects only if there is no answer. */
const request = async (broker: Broker, version: number, transaction: TransactionalIdentity | undefined) => {
  let answer: Buffer | undefined
  await broker.connectionPool.send({
    request: {
      apiKey: apiKeys.InitProducerId,
      apiVersion: version,
      apiName: "InitProducerId",
      encode: async () => new Encoder().writeBuffer(encodeIdentity(version, transaction))
    },
    response: {
      decode: async (payload) => {
        answer = payload
        return {}
      },
      parse: async (decoded) => decoded
    }
  })
  if (answer === undefined) throw new Error("an InitProducerId request ended without an answer")
  return decodeIdentity(answer)
}

export const encodeIdentity = (version: number, transaction: TransactionalIdentity | undefined): Buffer => {
  const id = Buffer.from(transaction?.transactionalId ?? "", "utf8")
  const { producerEpoch, producerId } = transaction?.current ?? none
  const tail = Buffer.alloc(4 + 8 + 2 + 1)
  let at = tail.writeInt32BE(transaction?.timeoutMs ?? 0, 0)
  if (version >= transactionalVersion) {
    at = tail.writeBigInt64BE(producerId, at)
    at = tail.writeInt16BE(producerEpoch, at)
  }
  // kafkajs writes the header of version 1; a flexible request has one more byte there: no tagged fields.
  return Buffer.concat([
    Buffer.of(0),
    transaction === undefined ? Buffer.of(0) : uvarint(id.length + 1),
    id,
    tail.subarray(0, at + 1)
  ])
}

/** `tags throttle_time error_code producer_id producer_epoch tags` */
const decodeIdentity = (payload: Buffer) => ({
  errorCode: payload.readInt16BE(5),
  producerId: payload.readBigInt64BE(7),
  producerEpoch: payload.readInt16BE(15)
})

const uvarint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
