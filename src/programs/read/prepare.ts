import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { ClientConfig } from "../../domain/Config.js"
import { type ConsumerSettings, readConsumerProperties } from "../../domain/consumerProperties.js"
import type { Globals } from "../argv.js"
import type { CommandError } from "../exitCodes.js"
import { javaSettings } from "../javaSettings.js"
import { brokersConfigOf, type Environment, readSources } from "../loadConfig.js"
import { type ReadOptions, type ReadSettings, readSettings } from "./settings.js"

export interface PreparedRead {
  readonly config: ClientConfig
  readonly client: ConsumerSettings
  readonly settings: ReadSettings
  /** For the log, once it is there. */
  readonly warnings: ReadonlyArray<string>
}

/** Options, properties and configuration, checked together. */
export const prepareRead = (
  globals: Globals,
  environment: Environment,
  options: ReadOptions
): Effect.Effect<PreparedRead, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const java = yield* javaSettings(readConsumerProperties, options.java)
    const settings = yield* readSettings(options, java)
    const said = java.given.get("bootstrap.servers")
    const overrides = said === undefined
      ? globals.overrides
      : [...globals.overrides, { name: "bootstrap.servers", value: said.text, source: said.source }]
    const config = yield* brokersConfigOf(yield* readSources({ ...globals, overrides }, environment))
    return { config, client: java.settings, settings, warnings: java.warnings }
  })
