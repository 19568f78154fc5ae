/** Which row of `kafka_sources` a pipeline may use: one life of one topic, as read by one group of one pipeline. */

export interface KnownSource {
  readonly id: number
  readonly clusterId: string
  /** "" where the broker could not tell; never a difference. */
  readonly topicId: string
  readonly pipeline: string
  /** Whether a stored offset of this topic and group refers to it. */
  readonly inUse: boolean
}

export type SourceDecision =
  | { readonly _tag: "Use"; readonly id: number; readonly fillTopicId: boolean }
  | { readonly _tag: "Create" }
  | { readonly _tag: "Refuse"; readonly why: string; readonly cure: string }

type Wanted = Pick<KnownSource, "clusterId" | "topicId" | "pipeline">

/**
 * `known` are the rows of the wanted topic and group. The row in use decides before a newer one that nobody refers to:
 * offsets of another cluster, or of a topic that was deleted and made again, mean nothing in this one, and two pipelines
 * on one offset would each get half of the records.
 */
export const decideSource = (known: ReadonlyArray<KnownSource>, wanted: Wanted): SourceDecision => {
  const foreign = known.find((source) => source.inUse && !isSameLife(source, wanted))
  if (foreign !== undefined) {
    return {
      _tag: "Refuse",
      why: `the stored offsets belong to another life of the topic (${
        sourceDifference(foreign, wanted)
      }) and mean nothing in this one`,
      cure: "read it under another consumer.group; or, to begin this life from its start, delete the topic's rows "
        + `of this group with source_id ${foreign.id} from kafka_offsets while Tributary is stopped`
    }
  }
  const same = known.filter((source) => isSameLife(source, wanted))
  const match = same.find(({ inUse }) => inUse) ?? same.find(({ topicId }) => topicId === wanted.topicId) ?? same[0]
  if (match === undefined) return { _tag: "Create" }
  if (match.pipeline !== wanted.pipeline) {
    return {
      _tag: "Refuse",
      why:
        `pipeline ${match.pipeline} reads it already into this database; pipeline ${wanted.pipeline} would take half of its records`,
      cure:
        `give one of the two another consumer.group; or, if the pipeline was renamed, set pipeline in row ${match.id} of kafka_sources`
    }
  }
  return { _tag: "Use", id: match.id, fillTopicId: match.topicId === "" && wanted.topicId !== "" }
}

/** In what two sources differ, in words. */
export const sourceDifference = (stored: Wanted, wanted: Wanted): string =>
  [
    ...(stored.clusterId === wanted.clusterId ? [] : [`cluster ${wanted.clusterId} instead of ${stored.clusterId}`]),
    ...(isSameTopic(stored, wanted)
      ? []
      : [`the topic was deleted and created again: its id is ${wanted.topicId}, it was ${stored.topicId}`]),
    ...(stored.pipeline === wanted.pipeline ? [] : [`pipeline ${wanted.pipeline} instead of ${stored.pipeline}`])
  ].join(", ")

const isSameTopic = (a: Wanted, b: Wanted) => a.topicId === b.topicId || a.topicId === "" || b.topicId === ""
const isSameLife = (a: Wanted, b: Wanted) => a.clusterId === b.clusterId && isSameTopic(a, b)
