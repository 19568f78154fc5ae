import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DemoOptions } from "./demo.js"
import type { ProduceOptions } from "./produce.js"
import type { VerifyOptions } from "./verify.js"

/** What the arguments ask for. */
export type Invocation =
  | { readonly command: "run"; readonly untilEnd: boolean }
  | { readonly command: "produce"; readonly options: ProduceOptions }
  | { readonly command: "verify"; readonly options: VerifyOptions }
  | { readonly command: "demo"; readonly options: Omit<DemoOptions, "self"> }
  | { readonly command: "config show" }
  | { readonly command: "version" }
  | { readonly command: "completion"; readonly shell: "bash" | "zsh" | "fish" }
  /** Text that was asked for and is ready: help. */
  | { readonly command: "text"; readonly text: string }

/** The tree of commands. Each only says, through `ask`, what is asked for. */
export const rootCommand = (ask: (invocation: Invocation) => Effect.Effect<void>) => {
  const run = Command.make("run", {
    untilEnd: Options.boolean("until-end").pipe(
      Options.withDescription("Stop when the ends that the topics have now are reached.")
    )
  }, ({ untilEnd }) => ask({ command: "run", untilEnd })).pipe(
    Command.withDescription("Move records from Kafka into MySQL, each exactly once.")
  )
  const produce = Command.make("produce", {
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
  const verify = Command.make("verify", {
    topics: topics("Only these topics (default: all of kafka.topics).")
  }, (options) => ask({ command: "verify", options })).pipe(
    Command.withDescription("Compare Kafka's log, the stored offsets and the rows; exit 2 where they differ.")
  )
  const demo = Command.make("demo", {
    count: whole("count", 100, 1_000_000, 20_000, "Records for each of the three topics.")
  }, (options) => ask({ command: "demo", options })).pipe(
    Command.withDescription("Show the guarantee without any server: kill the pipeline twice, count the rows.")
  )
  const show = Command.make("show", {}, () => ask({ command: "config show" })).pipe(
    Command.withDescription("Every key with its value, secrets hidden, and where the value comes from.")
  )
  const config = Command.make("config", {}, () => ask({ command: "config show" })).pipe(
    Command.withDescription("Look at the configuration."),
    Command.withSubcommands([show])
  )
  const version = Command.make("version", {}, () => ask({ command: "version" })).pipe(
    Command.withDescription("Print the version.")
  )
  const completion = Command.make("completion", {
    shell: Args.choice([["bash", "bash" as const], ["zsh", "zsh" as const], ["fish", "fish" as const]], {
      name: "SHELL"
    })
  }, ({ shell }) => ask({ command: "completion", shell })).pipe(
    Command.withDescription("Print a completion script, to be sourced by the shell.")
  )
  return Command.make("tributary", {}, () => ask({ command: "run", untilEnd: false })).pipe(
    Command.withDescription("Kafka (Avro) to MySQL, exactly once."),
    Command.withSubcommands([run, produce, verify, demo, config, version, completion])
  )
}

const topics = (description: string) =>
  Options.text("topics").pipe(
    Options.withPseudoName("A,B,…"),
    Options.withDescription(description),
    Options.map((list) => list.split(",").map((name) => name.trim()).filter((name) => name !== "")),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** Numbers and choices are read here and not by @effect/cli, whose errors do not name the option. */
const whole = (name: string, min: number, max: number, fallback: number, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("N"),
    Options.withDescription(`${description} Default ${fallback}.`),
    Options.filterMap(
      (text) =>
        /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max
          ? Option.some(Number(text))
          : Option.none(),
      `--${name}: expected a whole number from ${min} to ${max}`
    ),
    Options.withDefault(fallback)
  )

const oneOf = <const Values extends readonly [string, ...ReadonlyArray<string>]>(
  name: string,
  values: Values,
  description: string
): Options.Options<Values[number]> =>
  Options.text(name).pipe(
    Options.withPseudoName(values.join("|")),
    Options.withDescription(`${description} Default ${values[0]}.`),
    Options.filterMap(
      (text) => Option.fromNullable(values.find((value) => value === text)),
      `--${name}: expected one of ${values.join(", ")}`
    ),
    Options.withDefault(values[0])
  )
