import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Handlers, Surroundings } from "./execute.js"
import { ExitCode } from "./exitCodes.js"
import { program } from "./program.js"
import * as StandardOutput from "./standardOutput.js"

export interface Running {
  /** Never rejects. */
  readonly exitCode: Promise<ExitCode>
  /** Lets the command finish what it must not leave half done. */
  readonly interrupt: () => void
}

const services = Layer.mergeAll(
  NodeFileSystem.layer,
  NodePath.layer,
  Layer.provideMerge(StandardOutput.layer, NodeTerminal.layer)
)

/** Starts the program. In the hands of src/main.ts: the one place where effects become a promise. */
export const launch = (surroundings: Surroundings, handlers: Handlers): Running => {
  let answer: ExitCode = ExitCode.bug
  const answered = Effect.map(program(surroundings, handlers), (code) => {
    answer = code
  })
  const fiber = Effect.runFork(Effect.uninterruptible(Effect.provide(answered, services)))
  return {
    // Not the fiber's own exit: one that was interrupted ends as interrupted, whatever it has come to.
    exitCode: new Promise((resolve) => fiber.addObserver(() => resolve(answer))),
    interrupt: () => fiber.unsafeInterruptAsFork(fiber.id())
  }
}
