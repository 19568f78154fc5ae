import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { Handlers, Surroundings } from "./execute.js"
import { ExitCode } from "./exitCodes.js"
import { program } from "./program.js"

export interface Running {
  /** Never rejects. */
  readonly exitCode: Promise<ExitCode>
  /** Lets the command finish what it must not leave half done. */
  readonly interrupt: () => void
}

const services = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

/** Starts the program. In the hands of src/main.ts: the one place where effects become a promise. */
export const launch = (surroundings: Surroundings, handlers: Handlers): Running => {
  let fiber: Fiber.RuntimeFiber<void> | undefined
  return {
    exitCode: new Promise((resolve) => {
      // Told from inside: an interrupted fiber ends as interrupted, whatever an uninterruptible part of it has returned.
      const told = Effect.flatMap(
        Effect.provide(program(surroundings, handlers), services),
        (code) => Effect.sync(() => resolve(code))
      )
      fiber = Effect.runFork(Effect.uninterruptible(told))
      // Whoever was told already does not hear this.
      fiber.addObserver(() => resolve(ExitCode.bug))
    }),
    interrupt: () => {
      if (fiber !== undefined) fiber.unsafeInterruptAsFork(fiber.id())
    }
  }
}
