import { assert, it } from "@effect/vitest"
import { Effect, Predicate } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith, type KafkaCluster, startKafka } from "../../servers/index.js"
import {
  confirmedAtLast,
  freshTopic,
  keyed,
  layersOf,
  member,
  shortSession,
  uniqueName,
  valuesFrom
} from "./support.js"

const runner = "node_modules/vite-node/vite-node.mjs"
const script = join(import.meta.dirname, "memberProcess.ts")

/** A process that is loaded, and joins when it is told to: on a busy machine loading takes longer than a session lasts. */
const loadMember = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [runner, script, ...args], { stdio: ["pipe", "pipe", "inherit"] })),
      (spawned) => Effect.sync(() => spawned.kill("SIGKILL"))
    )
    let output = ""
    child.stdout.on("data", (data: Buffer) => (output += data.toString()))
    const said = (what: RegExp) =>
      Effect.async<string>((resume) => {
        const look = () => {
          const found = what.exec(output)
          if (found !== null) resume(Effect.succeed(found[1] ?? ""))
        }
        child.stdout.on("data", look)
        child.on("exit", (code) => resume(Effect.die(new Error(`the member ended with ${code}: ${output}`))))
        look()
      })
    yield* said(/ready/)
    const joinedAfterMs = Effect.suspend(() => {
      child.stdin.write("join\n")
      return Effect.map(said(/assigned (\d+)\n/), Number)
    })
    const kill = Effect.async<void>((resume) => {
      child.on("exit", () => resume(Effect.void))
      child.kill("SIGKILL")
    })
    return { joinedAfterMs, kill }
  })

const ownFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "trb-members-"))),
  (dir) => Effect.promise(() => rm(dir, { recursive: true, force: true }))
)

describeWith(["own:kafka"], "restarts", () => {
  // At the broker's defaults: group.initial.rebalance.delay.ms is 3 s, and hides nothing.
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = await startKafka()
  }, 300_000)
  afterAll(() => kafka.stop())

  it.live(
    "a member that was killed is replaced on the same host at once, not after its session of a minute",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic(3)
        const load = loadMember(kafka.address, topic, uniqueName("group"), yield* ownFolder)
        const [first, second, third] = yield* Effect.all([load, load, load], { concurrency: "unbounded" })
        yield* first.joinedAfterMs
        yield* first.kill
        assert.isBelow(yield* second.joinedAfterMs, 50_000)
        // The id of the first is forgotten, that of the second is known.
        yield* second.kill
        assert.isBelow(yield* third.joinedAfterMs, 50_000)
      })).pipe(Effect.provide(layersOf(kafka.address))),
    300_000
  )

  it.live(
    "a member reads on where it was after the broker was restarted, and after it was killed",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic()
        const producer = yield* Producer
        const reader = yield* member(topic, uniqueName("group"))
        let position = 0n
        // The membership may survive a restart of the broker; where it does not, the partition is sought anew.
        yield* Effect.forkScoped(Effect.forever(
          Effect.flatMap(reader.assigned, () => Effect.suspend(() => reader.readFrom(0, position)))
        ))
        for (const signal of [undefined, "SIGTERM", "SIGKILL"] as const) {
          if (signal !== undefined) yield* Effect.promise(() => kafka.restart(signal))
          const written = keyed(Number(position), 10)
          yield* producer.send(topic, written).pipe(
            Effect.retry({ times: 5, while: Predicate.isTagged("KafkaUnavailable") })
          )
          const batches = yield* reader.takeUntil(position + 10n)
          assert.deepStrictEqual(
            valuesFrom(position, batches),
            written.map(({ value }) => Buffer.from(value ?? []).toString())
          )
          position += 10n
        }
        yield* confirmedAtLast(reader.membership)
        const admin = yield* Admin
        assert.strictEqual((yield* admin.logRanges(topic))[0]?.end, 30n)
      })).pipe(Effect.provide(layersOf(kafka.address, "none", undefined, shortSession))),
    600_000
  )
})
