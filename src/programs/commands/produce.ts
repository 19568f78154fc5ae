import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { producerKeys } from "../../domain/javaKeys.js"
import type { Ask } from "./ask.js"
import {
  duration,
  javaDurationFlag,
  javaFlag,
  javaWords,
  oneOf,
  optionalWhole,
  textOption,
  topics,
  whole
} from "./options.js"

const billion = 1_000_000_000

const topic = Args.text({ name: "TOPIC" }).pipe(
  Args.withDescription(
    "Where the records go: lines of stdin, unless other options name a source. None: the data sets."
  ),
  // What looks like an option and is none would become the topic, and the error would name the word behind it.
  Args.mapEffect((name) =>
    name.startsWith("-") ? Effect.fail(HelpDoc.p(`Received unknown argument: '${name}'`)) : Effect.succeed(name)
  ),
  Args.optional,
  Args.map(Option.getOrUndefined)
)

const source = {
  count: optionalWhole("count", 0, billion, "Records for each topic. Default 1000. With TOPIC: of a data set."),
  rate: whole("rate", 0, 10_000_000, 0, "Records a second over all topics; 0: as fast as possible."),
  interval: duration("interval", "Time between two records. With TOPIC: counts, as --to does."),
  seed: whole("seed", 0, 4_294_967_295, 1, "The same seed gives the same records."),
  from: optionalWhole("from", 0, billion, "Index of the first record (default 0), or the first number (default 1)."),
  to: optionalWhole("to", 0, billion, "Sends the numbers up to this one, round robin. Default 10000."),
  topics: topics("Topics to fill (default: kafka.topics, else dataset1,dataset2,dataset3)."),
  partitions: whole("partitions", 1, 10_000, 3, "Partitions of a topic that has to be created."),
  file: textOption("file", "FILE", "Lines of this file instead of stdin."),
  format: oneOf("format", ["text", "json"], "Of lines: key<TAB>value, or a JSON object with key, value, headers, …"),
  schema: textOption("schema", "FILE", "Random valid values of this Avro schema.")
}

const sending = {
  mode: oneOf(
    "mode",
    ["async", "sync", "fire-and-forget"],
    "async: in batches, ended by the first that fails. sync: one record at a time. fire-and-forget: failures are counted."
  ),
  partitioner: oneOf("partitioner", ["key", "round-robin"], "By key as the Java client, or in turn."),
  roundRobin: Options.boolean("round-robin").pipe(Options.withDescription("The same as --partitioner round-robin.")),
  partition: optionalWhole("partition", 0, 1_000_000, "All records go to this partition."),
  header: Options.text("header").pipe(
    Options.withPseudoName("NAME=VALUE"),
    Options.withDescription("A header of every record; repeatable."),
    Options.repeated
  ),
  print: Options.boolean("print").pipe(
    Options.withDescription("Print topic-partition@offset of each record as it is acknowledged.")
  ),
  transactionSize: optionalWhole("transaction-size", 1, billion, "Records in a transaction. Default 1000."),
  abortRate: Options.text("abort-rate").pipe(
    Options.withPseudoName("0…1"),
    Options.withDescription("Share of the transactions that is aborted, chosen by the seed. Default 0."),
    Options.filterMap(
      (text) => /^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/.test(text) ? Option.some(Number(text)) : Option.none(),
      "--abort-rate: expected a number from 0 to 1"
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )
}

const java = {
  acks: javaFlag(producerKeys.acks, "0|1|all"),
  idempotent: Options.boolean("idempotent").pipe(
    Options.withDescription(
      `${producerKeys.enableIdempotence.doc} Default ${producerKeys.enableIdempotence.fallback}.`
    ),
    Options.map((given) =>
      given ? [{ flag: "--idempotent", key: producerKeys.enableIdempotence.key, value: "true" }] : []
    )
  ),
  maxInFlight: javaFlag(producerKeys.maxInFlight, "N"),
  batchSize: javaFlag(producerKeys.batchSize, "BYTES"),
  linger: javaDurationFlag(producerKeys.lingerMs),
  bufferMemory: javaFlag(producerKeys.bufferMemory, "BYTES"),
  compression: javaFlag(producerKeys.compression, "none|gzip|snappy|lz4|zstd"),
  retries: javaFlag(producerKeys.retries, "N"),
  transactionalId: javaFlag(producerKeys.transactionalId, "ID")
}

export const produceCommand = (ask: Ask) =>
  Command.make("produce", { topic, source, sending, java, words: javaWords }, (given) => {
    const { header, partitioner, roundRobin, ...sent } = given.sending
    const { interval, ...records } = given.source
    return ask({
      command: "produce",
      options: {
        ...records,
        ...sent,
        topic: given.topic,
        intervalMs: interval,
        headers: header,
        partitioner: roundRobin ? "round-robin" : partitioner,
        java: { ...given.words, flags: Object.values(given.java).flat() }
      }
    })
  }).pipe(
    Command.withDescription("Send records: lines, numbers, random values of a schema, or the demonstration data sets.")
  )
