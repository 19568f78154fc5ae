import { Effect, Layer } from "effect"
import { CompressionTypes, Kafka, logLevel } from "kafkajs"
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "vitest"
import { cacheRoot } from "../../scripts/servers/index.mjs"
import { makeRandom } from "../../src/domain/random.js"
import { layer as segmentFiles } from "../../src/layers/embedded/SegmentFiles.js"
import * as KafkaAdmin from "../../src/layers/kafka/KafkaAdmin.js"
import * as KafkaProducer from "../../src/layers/kafka/KafkaProducer.js"
import * as KafkaRawLog from "../../src/layers/kafka/KafkaRawLog.js"
import * as KafkaTopics from "../../src/layers/kafka/KafkaTopics.js"
import { Producer } from "../../src/layers/Producer.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { dumpFilesCommand, dumpTopicsCommand } from "../../src/programs/logDump/logDump.js"
import type { LogDumpOptions } from "../../src/programs/logDump/options.js"
import { until } from "../e2e/support/until.js"
import { createTopics } from "../e2e/support/World.js"
import { captured } from "../programs/captured.js"
import { describeWith, type KafkaCluster, neverKilled, startKafka } from "../servers/index.js"

// Goal: `log dump` prints what Kafka's own DumpLogSegments prints, line for line. Method: a broker writes segments with
// everything that a batch can be; the tool of Kafka 4.1 and ours dump the same files. Over the wire only the first line
// differs, and no masking is needed: a log that has lost nothing begins at position 0 there too.

const everything: LogDumpOptions = {
  files: [],
  logs: [],
  from: 0n,
  to: undefined,
  batchesOnly: false,
  controlOnly: false
}

/** Standard output of Kafka's tool, and whether it came to an end. */
const dumpByJava = (files: ReadonlyArray<string>) =>
  new Promise<{ readonly text: string; readonly ended: boolean }>((resolve, reject) => {
    const jars = join(cacheRoot(), "kafka-4.1.0", "libs", "*")
    const args = ["kafka.tools.DumpLogSegments", "--print-data-log", "--files", files.join()]
    const java = spawn("java", ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", jars, ...args], {
      env: { ...process.env, LC_ALL: "C.UTF-8" },
      stdio: ["ignore", "pipe", "ignore"]
    })
    const parts: Array<Buffer> = []
    java.stdout.on("data", (part: Buffer) => parts.push(part))
    java.on("error", reject)
    java.on("close", (code) => resolve({ text: Buffer.concat(parts).toString(), ended: code === 0 }))
  })

const dumpFiles = async (files: ReadonlyArray<string>) => {
  const { console, out } = captured()
  const exit = await dumpFilesCommand({ ...everything, files, output: "table" }).pipe(
    Effect.withConsole(console),
    Effect.provide(segmentFiles),
    Effect.either,
    Effect.runPromise
  )
  return { text: out.map((part) => `${part}\n`).join(""), exit }
}

/** Bytes that are hardly ever text, the same in each run. */
const noise = (seed: number) => {
  const random = makeRandom(seed)
  // Mostly the bytes that begin and continue characters of several bytes: the ways to be malformed lie there.
  const byte = () =>
    random.oneIn(4) ? random.integer(0, 255) : random.pick(0xed, 0xe0, 0xf0, 0xf4, 0x80, 0x90, 0xa0, 0xbf)
  return Buffer.from(Array.from({ length: 24 }, byte))
}

const markersIn = async (files: ReadonlyArray<string>) =>
  (await dumpFiles(files)).text.split("endTxnMarker: ").length - 1
const names = (dumped: string) => dumped.replaceAll(/^Dumping .*$/gm, "Dumping")

describeWith(["own:kafka"], "log dump beside Kafka's own tool", () => {
  let broker: KafkaCluster
  let data: string
  const segment = (topic: string) => join(data, `${topic}-0`, "00000000000000000000.log")
  const options = () => ({ brokers: broker.address.split(","), clientId: "log-dump" })

  const sendByOurs = (topic: string, compression: "gzip" | "snappy" | "lz4" | "zstd") =>
    Effect.gen(function*() {
      const producer = yield* Producer
      const value = Buffer.from("ours ".repeat(200))
      yield* producer.send(topic, [{ partition: 0, key: Buffer.from(compression), value }])
    }).pipe(Effect.provide(KafkaProducer.layer({ ...options(), compression })), Effect.runPromise)

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), "tributary-dump-"))
    broker = await startKafka({ props: { "log.dirs": data, ...neverKilled } })
    const kafka = new Kafka({
      brokers: [broker.address],
      logLevel: logLevel.NOTHING,
      // A broker of its own makes its topic of transactions first.
      retry: { retries: 20, maxRetryTime: 2000 }
    })
    const admin = kafka.admin()
    await admin.connect()
    const byBroker = [{ name: "message.timestamp.type", value: "LogAppendTime" }]
    await createTopics(admin, ["all", "noise"], 1)
    await createTopics(admin, ["appended"], 1, byBroker)
    const plain = kafka.producer()
    const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    const transactional = kafka.producer({ transactionalId: "dump", idempotent: true, maxInFlightRequests: 1 })
    for (const producer of [plain, idempotent, transactional]) await producer.connect()
    const messages = [
      { key: "k", value: "v", headers: { a: "x", "é": Buffer.from([0, 255]), "": "unnamed" } },
      { key: null, value: null },
      { key: "", value: "" },
      { key: Buffer.from([0xef, 0xbb, 0xbf, 0x41]), value: "two\nlines\tand € and 😀", timestamp: "1700000000000" }
    ]
    for (const topic of ["all", "appended"]) {
      await plain.send({ topic, messages })
      await plain.send({ topic, messages, compression: CompressionTypes.GZIP })
      for (const value of ["one", "two"]) await idempotent.send({ topic, messages: [{ value }, { value }] })
      for (const outcome of ["commit", "abort", "commit"] as const) {
        const transaction = await transactional.transaction()
        await transaction.send({ topic, messages: [{ key: "in", value: outcome }, ...messages] })
        await transaction[outcome]()
      }
    }
    await plain.send({ topic: "noise", messages: Array.from({ length: 500 }, (_, seed) => ({ value: noise(seed) })) })
    for (const producer of [plain, idempotent, transactional, admin]) await producer.disconnect()
    for (const codec of ["gzip", "snappy", "lz4"] as const) await sendByOurs("all", codec)
    if ("zstdCompressSync" in await import("node:zlib")) await sendByOurs("all", "zstd")
    // The others are read as Java writes them in compression.test.ts; not every Node writes this one.
    await sendByJava(broker.address, "all", "zstd")
    // The coordinator answers first and writes the last marker then.
    await until("the last marker", async () => await markersIn(["all", "appended"].map(segment)) === 6 || undefined)
  })
  afterAll(async () => {
    await broker.stop()
    rmSync(data, { recursive: true, force: true })
  })

  it("is the same, line for line, for all codecs, producers, transactions and bytes", async () => {
    const files = ["all", "appended", "noise"].map(segment)
    const [ours, theirs] = await Promise.all([dumpFiles(files), dumpByJava(files)])
    assert.strictEqual(ours.text, theirs.text)
    assert.deepInclude(ours.exit, { _tag: "Right", right: ExitCode.done })
    // What was to be compared is there.
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) assert.include(ours.text, `compresscodec: ${codec} `)
    for (const end of ["COMMIT", "ABORT"]) assert.include(ours.text, `endTxnMarker: ${end} coordinatorEpoch: 0`)
    assert.include(ours.text, "LogAppendTime: ")
    assert.include(ours.text, "keySize: -1 valueSize: -1")
    assert.include(ours.text, "\uFFFD")
  })

  it("is the same over the wire, aborted records and markers included; the first line says where from", async () => {
    const { console, out } = captured()
    const layers = Layer.mergeAll(
      KafkaRawLog.layer(options()),
      KafkaAdmin.layer(options()),
      KafkaTopics.layer(options())
    )
    const logs = ["all", "appended"].map((topic) => ({ topic, partition: undefined }))
    await dumpTopicsCommand({ ...everything, logs, output: "table" }).pipe(
      Effect.withConsole(console),
      Effect.provide(layers),
      Effect.runPromise
    )
    const { text } = await dumpFiles(["all", "appended"].map(segment))
    assert.strictEqual(names(out.map((part) => `${part}\n`).join("")), names(text))
    assert.include(out[0] ?? "", "Dumping all-0 as its leader sends it")
  })

  it("is the same for damaged files as far as Kafka's tool comes, and goes on where that one gives up", async () => {
    const whole = readFileSync(segment("all"))
    const second = whole.readInt32BE(8) + 12
    const damaged = (name: string, change: (bytes: Buffer) => Buffer) => {
      const folder = mkdtempSync(join(data, `${name}-`))
      const file = join(folder, "00000000000000000000.log")
      writeFileSync(file, change(Buffer.from(whole)))
      return file
    }
    const flipped = damaged("flipped", (bytes) => {
      bytes.writeUInt8((bytes[68] ?? 0) ^ 1, 68)
      bytes.writeUInt8((bytes[second + 27] ?? 0) ^ 1, second + 27)
      return bytes
    })
    const truncated = damaged("truncated", (bytes) => bytes.subarray(0, bytes.length - 7))
    const senseless = damaged("senseless", (bytes) => {
      bytes.writeInt32BE(0x7fffffff, second + 8)
      return bytes
    })
    // The length of the first record: Kafka's tool ends with a stack trace there, whatever files follow.
    const broken = damaged("broken", (bytes) => {
      bytes.writeUInt8(0x7f, 61)
      return bytes
    })
    const files = [flipped, truncated, senseless, broken]
    const [ours, theirs] = await Promise.all([dumpFiles(files), dumpByJava(files)])
    assert.isFalse(theirs.ended)
    assert.include(theirs.text, `Dumping ${broken}`)
    assert.isTrue(ours.text.startsWith(theirs.text.trimEnd()))
    assert.include(ours.text.slice(ours.text.indexOf(broken)), `position: ${second} `)
    assert.strictEqual(ours.exit._tag, "Left")
    if (ours.exit._tag === "Left") {
      assert.strictEqual(ours.exit.left.exit, ExitCode.undecodable)
      const [first, next, cut, noBatch] = ours.exit.left.details ?? []
      assert.include(first, `${flipped} at byte 0: batch at offset 0: the checksum does not fit`)
      assert.include(next, `${flipped} at byte ${second}: `)
      assert.include(cut, "bytes are no batch: the file ends before the batch does")
      assert.include(noBatch, `${senseless} at byte ${second}: ${whole.length - second} bytes are no batch`)
    }
  })
})

const sendByJava = (address: string, topic: string, codec: string) =>
  new Promise<void>((resolve, reject) => {
    const jars = join(cacheRoot(), "kafka-4.1.0", "libs", "*")
    const args = ["org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", address, "--topic", topic]
    const java = spawn("java", [
      "-Xmx128m",
      "-XX:TieredStopAtLevel=1",
      "-cp",
      jars,
      ...args,
      "--compression-codec",
      codec
    ], {
      stdio: ["pipe", "ignore", "ignore"]
    })
    java.on("error", reject)
    java.on("close", (code) => code === 0 ? resolve() : reject(new Error(`the Java producer ended with ${code}`)))
    java.stdin.end(`${`java ${codec} `.repeat(50)}\n`.repeat(3))
  })
