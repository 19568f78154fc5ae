import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { ClientConfig } from "../../domain/Config.js"
import { readProducerProperties } from "../../domain/producerProperties.js"
import type { Globals } from "../argv.js"
import type { CommandError } from "../exitCodes.js"
import { javaSettings } from "../javaSettings.js"
import { brokersConfigOf, clientConfigOf, type Environment, readSources } from "../loadConfig.js"
import { planProduce, type ProducePlan } from "./plan.js"
import type { ProduceOptions } from "./ProduceOptions.js"

export interface PreparedProduce {
  readonly config: ClientConfig
  readonly plan: ProducePlan
  /** For the log, once it is there. */
  readonly warnings: ReadonlyArray<string>
}

/** Options, properties and configuration, checked together. A registry has to be named only where values are Avro. */
export const prepareProduce = (
  globals: Globals,
  environment: Environment,
  options: ProduceOptions
): Effect.Effect<PreparedProduce, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const java = yield* javaSettings(readProducerProperties, options.java)
    const plan = yield* planProduce(options, java)
    const said = java.given.get("bootstrap.servers")
    const overrides = said === undefined
      ? globals.overrides
      : [...globals.overrides, { name: "bootstrap.servers", value: said.text, source: said.source }]
    const sources = yield* readSources({ ...globals, overrides }, environment)
    const avro = plan.source.kind === "data sets" || plan.source.kind === "schema"
    const config = yield* (avro ? clientConfigOf(sources) : brokersConfigOf(sources))
    return { config, plan, warnings: java.warnings }
  })
