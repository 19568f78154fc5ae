import * as Effect from "effect/Effect"
import { effectiveSettings } from "../domain/config/parse.js"
import type { ConfigSources } from "../domain/config/settings.js"
import type { Globals } from "./argv.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { configOf } from "./loadConfig.js"
import { printData } from "./report.js"
import { table } from "./table.js"

/** `config show`: every key as it takes effect, secrets hidden. Also of a configuration with problems, told after it. */
export const configShow = (
  output: Globals["output"],
  sources: ConfigSources
): Effect.Effect<ExitCode, CommandError> => {
  const settings = effectiveSettings(sources)
  return printData(output, {
    table: () =>
      table(
        [{ head: "KEY" }, { head: "VALUE" }, { head: "FROM" }],
        settings.map(({ key, source, value }) => [key, value ?? "", source])
      ),
    json: () => settings
  }).pipe(
    Effect.zipRight(configOf(sources)),
    Effect.as(ExitCode.done)
  )
}
