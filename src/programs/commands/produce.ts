import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"
import { oneOf, topics, whole } from "./options.js"

export const produceCommand = (ask: Ask) =>
  Command.make("produce", {
    count: whole("count", 0, 1_000_000_000, 1_000, "Records for each topic."),
    rate: whole("rate", 0, 10_000_000, 0, "Records a second over all topics; 0: as fast as possible."),
    seed: whole("seed", 0, 4_294_967_295, 1, "The same seed gives the same records."),
    from: whole("from", 0, 1_000_000_000, 0, "Index of the first record: go on where an earlier call ended."),
    partitions: whole("partitions", 1, 10_000, 3, "Partitions of a topic that has to be created."),
    tasks: whole("tasks", 1, 100, 3, "Producers at work at the same time."),
    topics: topics("Topics to fill (default: kafka.topics, else dataset1,dataset2,dataset3)."),
    compression: oneOf("compression", ["none", "gzip", "snappy", "lz4", "zstd"], "Codec of the batches.")
  }, (options) => ask({ command: "produce", options })).pipe(
    Command.withDescription("Fill topics with the demonstration data sets, as Avro.")
  )
