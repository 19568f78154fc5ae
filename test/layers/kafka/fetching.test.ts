import { assert, describe, it } from "@effect/vitest"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { GroupEvent, type Isolation } from "../../../src/layers/Consumer.js"
import { limitsOf } from "../../../src/layers/kafka/fetchResponse.js"
import { makeFetch } from "../../../src/layers/kafka/fetching.js"
import { GroupSession } from "../../../src/layers/kafka/GroupSession.js"
import type { Broker, FetchRequest } from "../../../src/layers/kafka/internals.js"
import { batch, record } from "../../support/recordBatches.js"

interface Answer {
  readonly errorCode?: number
  readonly recordSet?: Uint8Array
}

const int = (bytes: number, value: number): Buffer => {
  const field = Buffer.alloc(bytes)
  field.writeIntBE(value, Math.max(0, bytes - 6), Math.min(6, bytes))
  return field
}

/** A Fetch answer in version 11 for topic "t". */
const payloadOf = (answers: ReadonlyMap<number, Answer>): Buffer => {
  const partitions = [...answers].map(([partition, { errorCode = 0, recordSet = Buffer.alloc(0) }]) =>
    Buffer.concat([
      int(4, partition),
      int(2, errorCode),
      int(8, 0),
      int(8, 0),
      int(8, 0),
      int(4, 0),
      int(4, -1),
      int(4, recordSet.length),
      recordSet
    ])
  )
  return Buffer.concat([
    int(4, 0),
    int(2, 0),
    int(4, 0),
    int(4, 1),
    int(2, 1),
    Buffer.from("t"),
    int(4, answers.size),
    ...partitions
  ])
}

const unused = async () => {
  throw new Error("not used here")
}

/** Partitions 0, 1 and 2 are held, sought to 10 and resumed, and led by one broker that answers what is prepared. */
const make = (
  isolation: Isolation = "read_committed",
  look: (batch: FetchedBatch) => void = () => undefined
) => {
  const seen: Array<string> = []
  const events: Array<GroupEvent> = []
  const session = new GroupSession({
    topic: "t",
    onBatch: (fetched) => {
      const { nextOffset, partition } = fetched
      look(fetched)
      seen.push(`${partition} to ${nextOffset}`)
      return "fetch"
    }
  }, { event: (event) => events.push(event), die: (defect) => seen.push(String(defect)) })
  session.joined([0, 1, 2])
  for (const partition of [0, 1, 2]) {
    session.seek(partition, 10n)
    session.resume(partition)
  }
  let answers = new Map<number, Answer>()
  let others: (() => void) | undefined
  const requests: Array<FetchRequest> = []
  const broker: Broker = {
    nodeId: 1,
    brokerAddress: "b:1",
    versions: null,
    connectionPool: {
      send: async ({ request, response }) => {
        requests.push(decodeRequest(await request.encode()))
        return response.parse(await response.decode(payloadOf(answers)))
      }
    },
    isConnected: () => true,
    connect: async () => {},
    disconnect: async () => {},
    fetch: unused,
    joinGroup: unused,
    heartbeat: unused,
    leaveGroup: unused,
    describeGroups: unused,
    offsetCommit: unused,
    offsetFetch: unused,
    listOffsets: unused,
    createTopics: unused,
    findGroupCoordinator: unused
  }
  const fetchOnce = makeFetch({
    session,
    isolation,
    limits: limitsOf(1024 * 1024),
    onStale: (reason) => session.lost(reason),
    idle: async () => {
      seen.push("idle")
    },
    yieldTurn: async () => {
      seen.push("others")
      others?.()
    },
    onOutOfRange: (_, __, partition) => seen.push(`${partition} out of range`),
    onFailure: (_, partition, error) => seen.push(`${partition} failed: ${error.message}`)
  })
  const asked: FetchRequest = {
    maxWaitTime: 100,
    minBytes: 1,
    maxBytes: 1000,
    topics: [{
      topic: "t",
      partitions: [0, 1, 2].map((partition) => ({ partition, fetchOffset: "777", maxBytes: 100 }))
    }]
  }
  return {
    session,
    seen,
    events,
    requests,
    onTurn: (then: () => void) => (others = then),
    answer: (next: ReadonlyArray<readonly [number, Answer]>) => (answers = new Map(next)),
    fetch: () => fetchOnce(broker, asked)
  }
}

/** The fields of a Fetch request in version 11 that matter here. */
const decodeRequest = (encoded: unknown): FetchRequest => {
  assert.isTrue(
    typeof encoded === "object" && encoded !== null && "buffer" in encoded && Buffer.isBuffer(encoded.buffer)
  )
  const buffer: Buffer = Reflect.get(Object(encoded), "buffer")
  const count = buffer.readInt32BE(32)
  const partitions = Array.from({ length: count }, (_, index) => {
    const at = 36 + index * 28
    return { partition: buffer.readInt32BE(at), fetchOffset: String(buffer.readBigInt64BE(at + 8)), maxBytes: 0 }
  })
  return {
    maxWaitTime: buffer.readInt32BE(4),
    isolationLevel: buffer.readInt8(16),
    topics: [{ topic: "t", partitions }]
  }
}
const partitionsOf = (request: FetchRequest | undefined) =>
  request?.topics[0]?.partitions.map(({ fetchOffset, partition }) => [partition, fetchOffset])

describe("a fetch asks", () => {
  it("at our positions, not at kafkajs's, for committed records, and each partition first in its turn", async () => {
    const { fetch, requests } = make()
    for (let turn = 0; turn < 4; turn++) await fetch()
    assert.deepStrictEqual(partitionsOf(requests[0]), [[0, "10"], [1, "10"], [2, "10"]])
    assert.strictEqual(requests[0]?.isolationLevel, 1)
    assert.deepStrictEqual(requests.map((request) => partitionsOf(request)?.[0]?.[0]), [0, 1, 2, 0])
  })

  it("for uncommitted records where the reader wants them", async () => {
    const { fetch, requests } = make("read_uncommitted")
    await fetch()
    assert.strictEqual(requests[0]?.isolationLevel, 0)
  })

  it("for nothing while everything is paused", async () => {
    const { fetch, requests, seen, session } = make()
    for (const partition of [0, 1, 2]) session.pause(partition)
    await fetch()
    assert.isEmpty(requests)
    assert.deepStrictEqual(seen, ["idle"])
  })

  it("beside a paused partition for a short wait, that grows as long as nothing comes, so that a resume is quick", async () => {
    const { answer, fetch, requests, session } = make()
    await fetch()
    session.pause(1)
    answer([[0, { recordSet: batch([record(10n, "x")]) }]])
    await fetch()
    answer([])
    for (let turn = 0; turn < 4; turn++) await fetch()
    assert.deepStrictEqual(requests.map(({ maxWaitTime }) => maxWaitTime), [100, 40, 20, 40, 80, 100])
  })
})

describe("an answer", () => {
  it("is delivered where it can be, whatever is wrong with other partitions", async () => {
    const { answer, events, fetch, seen } = make()
    answer([[0, { errorCode: 1 }], [1, { errorCode: -1 }], [2, {
      recordSet: batch([record(10n, "x"), record(11n, "y")])
    }]])
    await fetch()
    assert.deepStrictEqual(seen.map((what) => what.slice(0, 14)), ["0 out of range", "1 failed: The ", "2 to 12"])
    assert.lengthOf(events, 1)
  })

  it("that is large lets everything else have its turn in between", async () => {
    const { answer, fetch, seen } = make()
    const large = { recordSet: batch([record(10n, "x".repeat(1024 * 1024))]) }
    answer([[0, large], [1, { recordSet: batch([record(10n, "x")]) }], [2, large]])
    await fetch()
    assert.deepStrictEqual(seen, ["0 to 11", "others", "1 to 11", "2 to 11", "others"])
  })

  it("is for nobody where the partition was sought while another one was decoded", async () => {
    const { answer, fetch, onTurn, seen, session } = make()
    answer([[0, { recordSet: batch([record(10n, "x".repeat(1024 * 1024))]) }], [1, { errorCode: 1 }], [2, {
      errorCode: -1
    }]])
    onTurn(() => {
      session.seek(1, 20n)
      session.seek(2, 20n)
    })
    await fetch()
    assert.deepStrictEqual(seen, ["0 to 11", "others"])
  })

  it("about several partitions is kept by none of them as a whole", async () => {
    const kept: Array<number> = []
    const { answer, fetch } = make("read_committed", ({ records: [first] }) => {
      kept.push(first?.value?.buffer.byteLength ?? 0)
    })
    const one = { recordSet: batch([record(10n, "x".repeat(1000))]) }
    answer([[0, one], [1, one], [2, one]])
    await fetch()
    assert.deepStrictEqual(kept.map((bytes) => bytes < 1100), [true, true, true])
  })

  it("that the leader is elsewhere, or that the topic is gone, ends the generation and makes kafkajs join again", async () => {
    for (const code of [3, 5, 6, 74, 75]) {
      const { answer, events, fetch } = make()
      answer([[0, { errorCode: code }]])
      const error = await fetch().then(() => undefined, (reason: unknown) => reason)
      assert.property(error, "type")
      assert.isTrue(GroupEvent.$is("Lost")(events.at(-1) ?? GroupEvent.Assigned({ generation: 0, partitions: [] })))
    }
  })

  it("that this user may not read the topic ends the client", async () => {
    const { answer, fetch } = make()
    answer([[0, { errorCode: 29 }]])
    const error = await fetch().then(() => undefined, (reason: unknown) => reason)
    assert.propertyVal(error, "retriable", false)
  })
})
