import * as Effect from "effect/Effect"
import { Admin } from "../../../layers/Admin.js"
import { commandError } from "../../serviceErrors.js"
import { contents, sessionTimeoutMs } from "./members.js"
import { type LabProcess, type RealCase, type RealWorld, scaledMs, start, until, untilSo } from "./RealWorld.js"

const commitIntervalMs = 120_000
/** The kill must come before the interval ends, on any machine. */
const leastIntervalMs = 3000
const early = ["aa,bb", "cc,dd"]
const late = ["ee,ff", "gg,hh", "ii,jj", "kk,ll"]

const outputOf = ({ topic }: RealWorld) => `${topic}-out`

const send = (world: RealWorld, values: ReadonlyArray<string>) =>
  Effect.flatMap(
    start(world, { name: "producer", args: ["produce", world.topic], input: `${values.join("\n")}\n` }),
    (producer) => producer.done
  )

interface Copy extends LabProcess {
  readonly committed: () => number
}

/** `tributary transform`; counts the transactions with records that it has committed. */
const startCopy = (world: RealWorld, ...options: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    let committed = 0
    const intervalMs = scaledMs(world.options, commitIntervalMs, leastIntervalMs)
    const process = yield* start(world, {
      name: "transform",
      args: ["transform", world.topic, outputOf(world), "--map", "event", "--group", world.group]
        .concat(["--commit-interval", `${intervalMs}ms`, "--transaction-timeout", `${intervalMs + 600_000}ms`])
        .concat(["--set", `kafka.session.timeout.ms=${sessionTimeoutMs}`])
        .concat(["--set", `kafka.heartbeat.interval.ms=${sessionTimeoutMs / 6}`, ...options]),
      onSaid: (line, atMs) => {
        if (!/committed transaction .* records-in=[1-9]/.test(line)) return
        committed++
        world.events.push({ atMs, lane: "transform", kind: "committed", text: line })
      }
    })
    return { ...process, committed: () => committed } satisfies Copy
  })

/** What the output's log holds, aborted records included. */
const outputEnd = (world: RealWorld) =>
  Effect.flatMap(Admin, (admin) => admin.logRanges(outputOf(world))).pipe(
    Effect.mapError(commandError),
    Effect.map(([range]) => range?.end ?? 0n)
  )

/** The control records of the output, as `log dump` prints them. */
const markers = (world: RealWorld) =>
  Effect.gen(function*() {
    const found: Array<string> = []
    const dump = yield* start(world, {
      name: "observer",
      args: ["log", "dump", outputOf(world), "--control"],
      onLine: (line) => void found.push(...Array.from(line.matchAll(/endTxnMarker: (\w+)/g), ([, kind = ""]) => kind))
    })
    yield* dump.done
    return found
  })

const copied: RealCase = {
  strategy: "transform",
  shows: ["exactly once"],
  happens: (world) =>
    Effect.gen(function*() {
      yield* send(world, early)
      const first = yield* startCopy(world)
      yield* until(world, "the first transaction", () => first.committed() > 0)
      const before = yield* outputEnd(world)
      yield* send(world, late)
      const sent = Effect.map(outputEnd(world), (end) => end >= before + BigInt(late.length))
      yield* untilSo(world, "the other four in the open transaction", sent)
      yield* first.kill("before the interval was over")
      const second = yield* startCopy(world, "--until-end")
      yield* second.done
      const visible = yield* contents(world, outputOf(world), "read_committed")
      const all = yield* contents(world, outputOf(world), "read_uncommitted")
      const numbers = new Map([...early, ...late].map((value, index) => [`EVENT(${value})`, index + 1]))
      world.produced.push(...numbers.values())
      world.processed.push(...visible.map(({ offset, partition, timestampMs, value }) => (
        { id: numbers.get(value) ?? 0, partition, offset, atMs: timestampMs, by: "transform" }
      )))
      return [
        `control records: ${(yield* markers(world)).join(", ")}`,
        `read_uncommitted: ${all.map(({ value }) => value).join(" ")}`,
        `read_committed:   ${visible.map(({ value }) => value).join(" ")}`
      ]
    })
}

export const kafkaToKafka: ReadonlyArray<RealCase> = [copied]
