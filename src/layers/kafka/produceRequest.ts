import type { Protocol } from "./internals.js"
import { Encoder } from "./library.js"

/**
 * How many replicas have a batch before it is acknowledged: all that are in sync (-1), the leader (1), or nobody is
 * asked (0).
 */
export type Acks = 0 | 1 | -1

export interface ProduceRequest {
  readonly topic: string
  readonly partition: number
  /** One record batch. */
  readonly batch: Uint8Array
  readonly acks: Acks
  /** How long the broker may wait for the other replicas. */
  readonly timeoutMs: number
  readonly transactionalId: string | undefined
}

export interface ProduceAnswer {
  /** Protocol error code; 0 is none. */
  readonly errorCode: number
  readonly baseOffset: bigint
}

/** The oldest that takes zstd; every broker from 2.1 on speaks it. */
const version = 7
const produceKey = 0

/**
 * One batch for one partition. kafkajs's own request holds several and rejects as a whole if one is refused, so that
 * nobody knows which of the others were appended. `onAnswer` is not called where acks are 0.
 */
export const produceProtocol = (request: ProduceRequest, onAnswer: (answer: ProduceAnswer) => void): Protocol => ({
  request: {
    apiKey: produceKey,
    apiVersion: version,
    apiName: "Produce",
    expectResponse: () => request.acks !== 0,
    encode: async () => new Encoder().writeBuffer(encodeProduce(request))
  },
  response: {
    decode: async (payload) => {
      onAnswer(decodeProduce(payload))
      return {}
    },
    parse: async (decoded) => decoded
  }
})

/** `transactional_id acks timeout [topic [partition records]]`, one of each. */
export const encodeProduce = (
  { acks, batch, partition, timeoutMs, topic, transactionalId }: ProduceRequest
): Buffer => {
  const id = transactionalId === undefined ? undefined : Buffer.from(transactionalId, "utf8")
  const name = Buffer.from(topic, "utf8")
  const head = Buffer.alloc(2 + (id?.length ?? 0) + 2 + 4 + 4 + 2 + name.length + 4 + 4 + 4)
  let at = head.writeInt16BE(id?.length ?? -1, 0)
  if (id !== undefined) at += id.copy(head, at)
  at = head.writeInt16BE(acks, at)
  at = head.writeInt32BE(timeoutMs, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt16BE(name.length, at)
  at += name.copy(head, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt32BE(partition, at)
  head.writeInt32BE(batch.length, at)
  return Buffer.concat([head, batch])
}

/** `[topic [partition error_code base_offset log_append_time log_start_offset]] throttle_time`, one of each. */
export const decodeProduce = (payload: Buffer): ProduceAnswer => {
  const partitionAt = 4 + 2 + payload.readInt16BE(4) + 4
  return { errorCode: payload.readInt16BE(partitionAt + 4), baseOffset: payload.readBigInt64BE(partitionAt + 6) }
}
