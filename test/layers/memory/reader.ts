import { Effect, type Layer, type Scope } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer, type GroupEvent, type JoinOptions, type Membership } from "../../../src/layers/Consumer.js"
import { layerMemory } from "../../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (value: Uint8Array | null): string => new TextDecoder().decode(value ?? new Uint8Array())

type Settings = Parameters<typeof layerMemory>[0]
type Kafka = Layer.Layer.Success<ReturnType<typeof layerMemory>>

/** Heartbeats each second and sessions of ten. */
export const inKafka = <A, E>(
  effect: Effect.Effect<A, E, Kafka | Scope.Scope>,
  settings: Partial<Settings> = {},
  seed?: number
): A =>
  simulate(
    Effect.provide(
      effect,
      layerMemory({ fetchRecords: 100, pollIntervalMs: 10, heartbeatIntervalMs: 1000, ...settings })
    ),
    seed,
    { stepsMax: 1_000_000 }
  )

export interface Reader {
  readonly membership: Membership
  /** `partition@offset value` of each record, in order of arrival. */
  readonly read: ReadonlyArray<string>
  readonly events: ReadonlyArray<GroupEvent>
}

/** A member that goes on at the committed offsets, or at the beginning. It commits nothing by itself. */
export const startReader = (
  options: Partial<JoinOptions> = {},
  onRecord: (line: string) => void = () => {}
): Effect.Effect<Reader, never, Consumer | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    const consumer = yield* Consumer
    const admin = yield* Admin
    const [group, topic] = [options.group ?? "g", options.topic ?? "t"]
    const read: Array<string> = []
    const events: Array<GroupEvent> = []
    const membership = yield* Effect.orDie(consumer.join({
      group,
      topic,
      onBatch: ({ partition, records }) => {
        for (const { offset, value } of records) {
          read.push(`${partition}@${offset} ${textOf(value)}`)
          onRecord(`${partition}@${offset} ${textOf(value)}`)
        }
        return "fetch"
      },
      ...options
    }))
    const follow = Effect.gen(function*() {
      const event = yield* membership.events.take
      events.push(event)
      if (event._tag === "Lost") return
      const committed = yield* admin.committedOffsets(group, topic)
      for (const partition of event.partitions) {
        yield* membership.seek(partition, committed.get(partition) ?? 0n)
        yield* membership.resume(partition)
      }
    })
    yield* Effect.forkScoped(Effect.interruptible(Effect.forever(follow)))
    return { membership, read, events }
  })

export const tell = ({ events }: Reader): ReadonlyArray<string> =>
  events.map((event) => event._tag === "Assigned" ? `assigned ${event.partitions.join()}` : event.kind)
