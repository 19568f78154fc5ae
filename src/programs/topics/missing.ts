import * as Effect from "effect/Effect"
import { nearest } from "../../domain/nearest.js"
import type { TopicMissing } from "../../layers/Admin.js"
import type { KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import { Topics } from "../../layers/Topics.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"

/** What asks for a topic that was named on the command line; where there is none, its likely name is told. */
export const withTopic = <A, R>(
  topic: string,
  asked: Effect.Effect<A, TopicMissing | KafkaRefused | KafkaUnavailable, R>
): Effect.Effect<A, CommandError, R | Topics> =>
  asked.pipe(
    Effect.catchAll((error) =>
      error._tag === "TopicMissing" ? Effect.flatMap(noSuchTopic(topic), Effect.fail) : Effect.fail(commandError(error))
    )
  )

const noSuchTopic = (topic: string): Effect.Effect<CommandError, CommandError, Topics> =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const names = (yield* Effect.mapError(topics.list, commandError)).map((found) => found.topic)
    const meant = nearest(topic, names)
    return new CommandError({
      code: "TRB-2003",
      exit: ExitCode.configuration,
      what: `topic ${topic} does not exist`,
      cure: `${meant === undefined ? "" : `did you mean ${meant}? `}tributary topics list shows all; ` +
        `tributary topics create ${topic} makes it`
    })
  })
