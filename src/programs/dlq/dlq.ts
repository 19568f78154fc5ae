import * as Effect from "effect/Effect"
import type { Config } from "../../domain/Config.js"
import type { DeadLetters } from "../../layers/DeadLetters.js"
import type { Destination } from "../../layers/Destination.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import type { Globals } from "../argv.js"
import type { CommandError, ExitCode } from "../exitCodes.js"
import { commandError, type ServiceError } from "../serviceErrors.js"
import { discardLetters } from "./discard.js"
import type { DlqRequest } from "./DlqRequest.js"
import { exportLetters, listLetters, showLetter } from "./look.js"
import { replayLetters } from "./replay.js"

type Services = DeadLetters | Destination | SchemaRegistry

const perform = (
  config: Config,
  request: DlqRequest,
  output: Globals["output"]
): Effect.Effect<ExitCode, ServiceError | CommandError, Services> => {
  switch (request.kind) {
    case "list":
      return listLetters(request, output)
    case "show":
      return showLetter(config, request, output)
    case "replay":
      return replayLetters(config, request.options, output)
    case "discard":
      return discardLetters(request.options, output)
    case "export":
      return exportLetters(request)
  }
}

/** Looks after the records that have not become rows. */
export const dlqCommand = (
  config: Config,
  request: DlqRequest,
  { output }: { readonly output: Globals["output"] }
): Effect.Effect<ExitCode, CommandError, Services> =>
  perform(config, request, output).pipe(
    Effect.mapError((error) => error._tag === "CommandError" ? error : commandError(error)),
    Effect.annotateLogs({ logger: "tributary.DeadLetters" })
  )
