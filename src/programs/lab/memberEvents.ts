import type { MemberEvent, PartitionOffset } from "../read/memberEvent.js"
import type { LabEvent } from "./experiment.js"

/** What a picture shows of what happens to a member. */
export const drawn = (event: MemberEvent): ReadonlyArray<Pick<LabEvent, "kind" | "text">> => {
  switch (event._tag) {
    case "Assigned":
      return [{ kind: "assigned", text: `partitions assigned, read from ${offsets(event.positions)}` }]
    case "Revoked":
      return [{ kind: "revoked", text: `partitions ${event.partitions.join(", ")} given back` }]
    case "Lost":
      return [{ kind: "lost", text: `partitions ${event.partitions.join(", ")} lost: ${event.reason}` }]
    case "Committed":
      return [{ kind: "committed", text: `committed ${offsets(event.offsets)}` }]
    case "CommitFailed":
      return [{ kind: "commit failed", text: `commit of ${offsets(event.offsets)} failed: ${event.error.message}` }]
    case "OutOfRange":
    case "Wakeup":
      return []
  }
}

const offsets = (positions: ReadonlyArray<PartitionOffset>): string =>
  positions.map(({ offset, partition }) => `${partition}@${offset}`).join(" ")
