import * as NodeCommandExecutor from "@effect/platform-node/NodeCommandExecutor"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Handlers } from "./execute.js"
import { commandError } from "./serviceErrors.js"
import { consuming, producing, verifying } from "./wiring.js"

/** Each command with the layers that its configuration names. A command's module is loaded when it is asked for. */
export const handlers: Handlers = {
  run: (config, options) =>
    Effect.gen(function*() {
      const { runCommand } = yield* Effect.promise(() => import("./run.js"))
      return yield* runCommand(config, options)
    }).pipe(Effect.provide(consuming(config))),
  produce: (config, options) =>
    Effect.gen(function*() {
      const { produceCommand } = yield* Effect.promise(() => import("./produce.js"))
      const services = yield* Layer.build(producing(config, options.compression)).pipe(Effect.mapError(commandError))
      return yield* produceCommand(config, options).pipe(Effect.provide(services))
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)),
  verify: (config, options) =>
    Effect.gen(function*() {
      const { verifyCommand } = yield* Effect.promise(() => import("./verify.js"))
      return yield* verifyCommand(config, options)
    }).pipe(Effect.provide(verifying(config))),
  demo: (options) =>
    Effect.gen(function*() {
      const { demoCommand } = yield* Effect.promise(() => import("./demo.js"))
      return yield* demoCommand(options)
    }).pipe(Effect.provide(NodeCommandExecutor.layer), Effect.provide(NodeFileSystem.layer))
}
