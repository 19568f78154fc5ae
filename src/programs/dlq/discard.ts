import * as Effect from "effect/Effect"
import { DeadLetters } from "../../layers/DeadLetters.js"
import type { DestinationError } from "../../layers/Destination.js"
import type { Globals } from "../argv.js"
import { type CommandError, ExitCode } from "../exitCodes.js"
import { printData } from "../report.js"
import { choiceText, type DiscardOptions } from "./DlqRequest.js"
import { chosen, filterOf, pageLetters } from "./letters.js"
import { lettersTable } from "./letterText.js"

/** Letters that a dry run shows, of as many as there are. */
const shown = 20

/** Deletes letters with their records. The log keeps how many, which and why; nothing else does. */
export const discardLetters = (
  { all, choice, execute, reason, replayed }: DiscardOptions,
  output: Globals["output"]
): Effect.Effect<ExitCode, DestinationError | CommandError, DeadLetters> =>
  Effect.gen(function*() {
    yield* chosen("discard", choice, all || replayed)
    const { count, discard, page } = yield* DeadLetters
    const filter = yield* filterOf(choice, replayed ? "replayed" : "open")
    const { last, letters: total } = yield* count(filter)
    const asTyped = `${choiceText(choice)}${replayed ? " --replayed" : ""}${all ? " --all" : ""}`
    if (!execute) {
      const first = yield* page(filter, { after: 0n, upTo: last, limit: shown })
      yield* printData(output, {
        table: () =>
          [
            ...(first.length === 0 ? [] : [lettersTable(first)]),
            `DRY RUN: ${total} dead letters would be deleted with their records. Nothing was changed. `
            + `To keep a copy: tributary dlq export${choiceText(choice)}${replayed ? " --all" : ""}. `
            + `To do it: tributary dlq discard${asTyped} --execute`
          ].join("\n"),
        json: () => ({ dryRun: true, letters: total })
      })
      return ExitCode.done
    }
    let after = 0n
    let deleted = 0
    while (true) {
      const found = yield* page(filter, { after, upTo: last, limit: pageLetters })
      const end = found.at(-1)
      if (end === undefined) break
      deleted += yield* discard(found.map(({ id }) => id))
      after = end.id
    }
    yield* Effect.logWarning(
      `discarded ${deleted} dead letters [chosen="${asTyped.trim()}" last id=${last}]: ${reason ?? "no reason given"}`
    )
    yield* printData(output, {
      table: () => `discarded ${deleted}`,
      json: () => ({ dryRun: false, letters: deleted })
    })
    // An id that names no letter.
    return deleted < choice.ids.length ? ExitCode.failed : ExitCode.done
  })
