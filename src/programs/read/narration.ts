import type { MemberEvent, PartitionOffset } from "./memberEvent.js"

/** What people are told of a member's events; undefined where nothing has to be said. */
export const narrate = (topic: string, member: string, event: MemberEvent): string | undefined => {
  const named = (partitions: ReadonlyArray<number>) =>
    partitions.map((partition) => `${topic}-${partition}`).join(", ") || "none"
  const placed = (offsets: ReadonlyArray<PartitionOffset>, sign: string) =>
    offsets.map(({ offset, partition }) => `${topic}-${partition}${sign}${offset}`).join(", ")
  switch (event._tag) {
    case "Assigned":
      return event.positions.length === 0
        ? `Assigned partitions. none: the group has more members than ${topic} has partitions, so this one stands by ` +
          `(took ${event.tookMs} ms)`
        : `Assigned partitions. ${placed(event.positions, "@")} (took ${event.tookMs} ms)`
    case "Revoked":
      return `Revoked partitions. ${named(event.partitions)} (took ${event.tookMs} ms)`
    case "Lost":
      return `Lost partitions. ${named(event.partitions)} (took ${event.tookMs} ms): ${event.reason}`
    case "OutOfRange":
      return `the log of ${topic}-${event.partition} does not hold offset ${event.position}: reading on at ` +
        `${event.offset}, as auto.offset.reset says`
    case "CommitFailed":
      return `commit failed: ${event.error.message} (${placed(event.offsets, "=")}); ${event.next}`
    case "Wakeup":
      return `${member} trigger WakeupException`
    case "Committed":
      return undefined
  }
}
