import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A member of a consumer group, as the coordinator names it. */
export interface GroupMember {
  readonly group: string
  readonly memberId: string
}

/**
 * Which group members of this host are dead (protocol §9). A process holds a lock on its state directory for as long as
 * it lives and writes its member ids beside it: a lock that is free proves that the ids beside it are nobody's, in
 * whatever pid namespace they ran.
 */
export class InstanceLock extends Context.Tag("tributary/InstanceLock")<InstanceLock, {
  /** What processes had recorded whose lock was free. Read once, when the lock was taken. */
  readonly deadMembers: ReadonlyArray<GroupMember>
  /** Remembers a member of this process, so that its successor can remove it from the group. Never fails. */
  readonly record: (member: GroupMember) => Effect.Effect<void>
  /** The member has left by itself. Never fails. */
  readonly forget: (member: GroupMember) => Effect.Effect<void>
}>() {}

/** Remembers nothing and knows of no dead member: without a state directory the session time-out decides. */
export const layerNoop: Layer.Layer<InstanceLock> = Layer.succeed(
  InstanceLock,
  InstanceLock.of({ deadMembers: [], record: () => Effect.void, forget: () => Effect.void })
)
