import * as NodeCommandExecutor from "@effect/platform-node/NodeCommandExecutor"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Handlers } from "./execute.js"
import type { ClientConfig } from "../domain/Config.js"
import { withPresentTopics } from "./patternTopics.js"
import { commandError } from "./serviceErrors.js"
import {
  browsing,
  consuming,
  lettering,
  planning,
  producing,
  reading,
  segmentFilesLayer,
  transforming,
  verifying,
  watching
} from "./wiring.js"

const present = <C extends ClientConfig>(config: C) => Effect.mapError(withPresentTopics(config), commandError)

/** Each command with the layers that its configuration names. A command's module is loaded when it is asked for. */
export const handlers: Handlers = {
  run: (config, { jobs, untilEnd }) =>
    Effect.gen(function*() {
      const { runCommand } = yield* Effect.promise(() => import("./run.js"))
      const groups = jobs === undefined ? {} : { groups: { jobs, input: NodeStream.stdin } }
      return yield* runCommand(config, { untilEnd, ...groups })
    }).pipe(Effect.provide(consuming(config))),
  produce: (config, plan, { output }) =>
    Effect.gen(function*() {
      const { produceCommand } = yield* Effect.promise(() => import("./produce/produce.js"))
      const services = yield* Layer.build(producing(config, plan.settings)).pipe(Effect.mapError(commandError))
      return yield* produceCommand(config, plan, { output, input: NodeStream.stdin }).pipe(Effect.provide(services))
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)),
  read: (prepared) =>
    Effect.gen(function*() {
      const [{ readCommand }, { tryLock }] = yield* Effect.promise(() =>
        Promise.all([import("./read/readCommand.js"), import("../layers/embedded/fileLock.js")])
      )
      return yield* readCommand(prepared, tryLock)
    }).pipe(Effect.provide(Layer.merge(reading(prepared.config, prepared.client), NodeFileSystem.layer))),
  readGroups: (prepared) =>
    Effect.gen(function*() {
      const [{ readGroupsCommand }, { tryLock }] = yield* Effect.promise(() =>
        Promise.all([import("./read/readGroups.js"), import("../layers/embedded/fileLock.js")])
      )
      return yield* readGroupsCommand(prepared.groups, tryLock, NodeStream.stdin)
    }).pipe(Effect.provide(Layer.merge(reading(prepared.config, prepared.client), NodeFileSystem.layer))),
  plan: (config, options) =>
    Effect.gen(function*() {
      const { planCommand } = yield* Effect.promise(() => import("./plan/plan.js"))
      return yield* planCommand(options.topics.length === 0 ? yield* present(config) : config, options)
    }).pipe(Effect.provide(Layer.merge(planning(config), NodeFileSystem.layer))),
  apply: (config, options) =>
    Effect.gen(function*() {
      const { applyCommand } = yield* Effect.promise(() => import("./plan/plan.js"))
      return yield* applyCommand(options.topics.length === 0 ? yield* present(config) : config, options)
    }).pipe(Effect.provide(Layer.merge(planning(config), NodeFileSystem.layer))),
  verify: (config, options) =>
    Effect.gen(function*() {
      const { verifyCommand } = yield* Effect.promise(() => import("./verify.js"))
      return yield* verifyCommand(yield* present(config), options)
    }).pipe(Effect.provide(verifying(config))),
  dlq: (config, request, printing) =>
    Effect.gen(function*() {
      const { dlqCommand } = yield* Effect.promise(() => import("./dlq/dlq.js"))
      return yield* dlqCommand(config, request, printing)
    }).pipe(Effect.provide(lettering(config))),
  lag: (config, database, options) =>
    Effect.gen(function*() {
      const { lagCommand } = yield* Effect.promise(() => import("./lag/lag.js"))
      return yield* lagCommand(yield* present(config), options)
    }).pipe(Effect.provide(Layer.merge(watching(config, database), NodeTerminal.layer))),
  status: (config, options) =>
    Effect.gen(function*() {
      const { statusCommand } = yield* Effect.promise(() => import("./lag/lag.js"))
      return yield* statusCommand(yield* present(config), options)
    }).pipe(Effect.provide(Layer.merge(watching(config, config), NodeTerminal.layer))),
  transform: (config, options) =>
    Effect.gen(function*() {
      const { transformCommand } = yield* Effect.promise(() => import("./transform/transform.js"))
      const services = yield* Layer.build(transforming(config)).pipe(Effect.mapError(commandError))
      return yield* transformCommand(config, options).pipe(Effect.provide(services))
    }).pipe(Effect.scoped),
  dumpFiles: (options) =>
    Effect.gen(function*() {
      const { dumpFilesCommand } = yield* Effect.promise(() => import("./logDump/logDump.js"))
      return yield* dumpFilesCommand(options)
    }).pipe(Effect.provide(segmentFilesLayer)),
  dumpTopics: (config, options) =>
    Effect.gen(function*() {
      const { dumpTopicsCommand } = yield* Effect.promise(() => import("./logDump/logDump.js"))
      return yield* dumpTopicsCommand(options)
    }).pipe(Effect.provide(browsing(config))),
  topics: (config, request, printing) =>
    Effect.gen(function*() {
      const { topicsCommand } = yield* Effect.promise(() => import("./topics/topics.js"))
      return yield* topicsCommand(request, printing)
    }).pipe(Effect.provide(browsing(config))),
  demo: (options) =>
    Effect.gen(function*() {
      const { demoCommand } = yield* Effect.promise(() => import("./demo.js"))
      return yield* demoCommand(options)
    }).pipe(Effect.provide(NodeCommandExecutor.layer), Effect.provide(NodeFileSystem.layer)),
  lab: (request, printing) =>
    Effect.gen(function*() {
      const { labCommand } = yield* Effect.promise(() => import("./lab/labCommand.js"))
      return yield* labCommand(request, printing)
    }).pipe(Effect.provide(NodeFileSystem.layer)),
  labReal: (config, request, options, printing) =>
    Effect.gen(function*() {
      const { realCommand } = yield* Effect.promise(() => import("./lab/real/realCommand.js"))
      return yield* realCommand(request, options, printing)
    }).pipe(
      Effect.provide(browsing(config)),
      Effect.provide(NodeCommandExecutor.layer),
      Effect.provide(NodeFileSystem.layer)
    )
}
