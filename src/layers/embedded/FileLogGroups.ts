import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type CommittedOffset, type GroupDescription, type GroupError, Groups } from "../Groups.js"
import { readCommitted } from "./FileLogAdmin.js"
import { groupsFolder, namesIn, topicOfFile } from "./logFolder.js"

/**
 * `Groups` of the log in the folder `root`. It has no coordinator: a group is what has committed offsets, and who reads
 * is not told.
 */
export const layer = (root: string): Layer.Layer<Groups> => Layer.succeed(Groups, make(root))

const make = (root: string) =>
  Groups.of({
    list: Effect.gen(function*() {
      const topics = yield* topicsIn(root)
      const files = yield* namesIn(groupsFolder(root))
      const groups = files.flatMap((file) => {
        // A topic's name may end with another's, so that the longest one counts.
        const [topic] = topics.filter((name) => file.endsWith(`.${name}.json`)).toSorted((a, b) => b.length - a.length)
        return topic === undefined ? [] : [decodeURIComponent(file.slice(0, -`.${topic}.json`.length))]
      })
      return { groups: [...new Set(groups)].toSorted(), failures: [] }
    }),
    describe: (groups) =>
      Effect.map(
        Effect.forEach(groups, (group) =>
          Effect.map(Effect.either(describe(root, group)), (one) => [group, one] as const)),
        (answers) =>
          new Map(answers)
      )
  })

const describe = (root: string, group: string): Effect.Effect<GroupDescription, GroupError> =>
  Effect.gen(function*() {
    const committed = yield* Effect.forEach(yield* topicsIn(root), (topic) => committedTo(root, group, topic))
    return { group, state: "", members: [], committed: committed.flat() }
  })

const committedTo = (root: string, group: string, topic: string) =>
  Effect.map(
    readCommitted(root, group, topic),
    (offsets) => Array.from(offsets, ([partition, offset]): CommittedOffset => ({ topic, partition, offset }))
  )

const topicsIn = (root: string) =>
  Effect.map(namesIn(root), (names) =>
    names.flatMap((name) => {
      const topic = topicOfFile(name)
      return topic === undefined ? [] : [topic]
    }))
