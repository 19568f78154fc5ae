import kafkajs, { type Producer } from "kafkajs"
import { setTimeout as sleep } from "node:timers/promises"
import { makeRandom, type SeededRandom, seedOf } from "../../src/domain/random.js"
import { entry } from "../../test/e2e/support/records.js"

/** Who writes meanwhile: plain kafkajs, none of the program's own code. */
export interface Producers {
  /** Ends them all; what is open then is left to the coordinator's time-out. */
  readonly stop: () => Promise<void>
  readonly told: () => Told
}

/** What the producers were told. Unacknowledged records may be in the log or not; the log says. */
export interface Told {
  /** Acknowledged outside of transactions or with a commit that was acknowledged: all of these must be in the log. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** Of each partition (`topic-N`), the offset behind the last that was acknowledged: its log must come so far. */
  readonly ends: ReadonlyMap<string, bigint>
  readonly poisoned: number
  readonly committed: number
  readonly aborted: number
  /** Transactions whose producer went away in the middle. */
  readonly leftOpen: number
  readonly failures: number
}

interface Counts {
  readonly acknowledged: Map<string, number>
  readonly ends: Map<string, bigint>
  poisoned: number
  committed: number
  aborted: number
  leftOpen: number
  failures: number
}

interface Where {
  readonly brokers: string
  readonly topics: ReadonlyArray<string>
  readonly partitions: ReadonlyMap<string, number>
  readonly schemaId: number
}

/** What one producer has to do its work with. */
interface Hand extends Where {
  readonly name: string
  readonly random: SeededRandom
  readonly counts: Counts
  readonly isOpen: () => boolean
}

/** A producer that waits longer than this is given up, and another takes its place. */
const patienceMs = 12_000
const transactionTimeoutMs = 4000
/** Of batches: one record of it is no Avro. */
const poisonOneIn = 40

const within = async <A>(ms: number, what: string, act: Promise<A>): Promise<A> => {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal }).then(() =>
    Promise.reject(new Error(`${what}: not in ${ms} ms`))
  )
  try {
    return await Promise.race([act, late])
  } finally {
    stop.abort()
    late.catch(() => {}) // nobody waits for it any more
    act.catch(() => {})
  }
}

let made = 0

const kafkaOf = ({ brokers, name }: Hand) =>
  new kafkajs.Kafka({
    brokers: brokers.split(","),
    clientId: `chaos-${name}`,
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 5000,
    retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 1000 }
  })

type Config = NonNullable<Parameters<kafkajs.Kafka["producer"]>[0]>

/** Works with a producer until it fails, and with the next, until it is told to stop. */
const keepGoing = async (
  hand: Hand,
  config: () => Config,
  work: (producer: Producer) => Promise<"again" | "leave">
) => {
  while (hand.isOpen()) {
    const producer = kafkaOf(hand).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      metadataMaxAge: 2000, // partitions are added
      ...config()
    })
    try {
      await within(patienceMs, "connect", producer.connect())
      while (hand.isOpen() && await work(producer) === "again") await sleep(hand.random.integer(60, 240))
    } catch {
      hand.counts.failures += 1 // brokers are killed on purpose: another producer takes its place
      await sleep(300)
    } finally {
      await within(3000, "disconnect", producer.disconnect()).catch(() => {})
    }
  }
}

interface Batch {
  readonly topic: string
  readonly messages: Array<{ readonly partition: number; readonly key: string; readonly value: Buffer }>
}

const batchOf = ({ counts, name, partitions, random, schemaId, topics }: Hand): Batch => {
  const topic = topics[random.integer(0, topics.length - 1)] ?? ""
  const partition = random.integer(0, (partitions.get(topic) ?? 1) - 1)
  const messages = Array.from({ length: random.integer(4, 24) }, () => {
    const id = `${name}-${String(made++).padStart(9, "0")}`
    return { partition, key: id, value: entry(schemaId, id, `text of ${id}`) }
  })
  if (random.oneIn(poisonOneIn)) {
    counts.poisoned += 1
    messages.push({ partition, key: `${name}-poison-${made++}`, value: Buffer.from("not avro") })
  }
  return { topic, messages }
}

const acknowledge = ({ counts }: Hand, { messages, topic }: Batch) =>
  void counts.acknowledged.set(topic, (counts.acknowledged.get(topic) ?? 0) + messages.length)

/**
 * Sends, and answers whether anything was sent: kafkajs drops what is for a partition that it does not know yet, and
 * tells by nothing but an answer that lacks it. It tells no offset for what it has sent twice.
 */
const send = async (
  { counts: { ends } }: Hand,
  to: Pick<Producer, "send">,
  { messages, topic }: Batch
): Promise<boolean> => {
  const answers = await within(patienceMs, "send", to.send({ topic, messages, acks: -1 }))
  for (const { baseOffset = "-1", partition } of answers) {
    const place = `${topic}-${partition}`
    const end = BigInt(baseOffset) < 0n ? 0n : BigInt(baseOffset) + BigInt(messages.length)
    if (end > (ends.get(place) ?? 0n)) ends.set(place, end)
  }
  return answers.length > 0
}

const sendOne = (hand: Hand) => async (producer: Producer) => {
  const batch = batchOf(hand)
  if (await send(hand, producer, batch)) acknowledge(hand, batch)
  return "again" as const
}

const transact = (hand: Hand) => async (producer: Producer) => {
  const { counts, random } = hand
  const transaction = await within(patienceMs, "begin", producer.transaction())
  const batches: Array<Batch> = []
  for (const batch of Array.from({ length: random.integer(1, 4) }, () => batchOf(hand))) {
    if (await send(hand, transaction, batch)) batches.push(batch)
  }
  if (random.oneIn(20)) {
    counts.leftOpen += 1
    return "leave" as const
  }
  if (random.oneIn(4)) {
    await within(patienceMs, "abort", transaction.abort())
    counts.aborted += 1
    return "again" as const
  }
  await within(patienceMs, "commit", transaction.commit())
  counts.committed += 1
  batches.forEach((batch) => acknowledge(hand, batch))
  return "again" as const
}

/** Three who write at once: plain, idempotent, and in transactions of which some abort and some are left open. */
export const startProducers = (where: Where, seed: number): Producers => {
  let open = true
  let transactions = 0
  const counts: Counts = {
    acknowledged: new Map(),
    ends: new Map(),
    poisoned: 0,
    committed: 0,
    aborted: 0,
    leftOpen: 0,
    failures: 0
  }
  const hand = (name: string, index: number): Hand => ({
    ...where,
    name,
    counts,
    random: makeRandom(seedOf(seed, index)),
    isOpen: () => open
  })
  const [plain, idempotent, transactional] = [hand("plain", 1), hand("idempotent", 2), hand("transactional", 3)]
  const working = Promise.all([
    keepGoing(plain, () => ({}), sendOne(plain)),
    keepGoing(idempotent, () => ({ idempotent: true, maxInFlightRequests: 1 }), sendOne(idempotent)),
    keepGoing(transactional, () => ({
      idempotent: true,
      maxInFlightRequests: 1,
      // Another each time: one that was left open must end by its time-out, not because a successor begins.
      transactionalId: `chaos-${seed}-${transactions++}`,
      transactionTimeout: transactionTimeoutMs
    }), transact(transactional))
  ])
  return {
    told: () => counts,
    stop: async () => {
      open = false
      await working
    }
  }
}
