import type * as Effect from "effect/Effect"
import type { DemoOptions } from "../demo.js"
import type { ProduceOptions } from "../produce.js"
import type { VerifyOptions } from "../verify.js"

/** What the arguments ask for. */
export type Invocation =
  | { readonly command: "run"; readonly untilEnd: boolean }
  | { readonly command: "produce"; readonly options: ProduceOptions }
  | { readonly command: "verify"; readonly options: VerifyOptions }
  | { readonly command: "demo"; readonly options: Omit<DemoOptions, "self"> }
  | { readonly command: "config show" }
  | { readonly command: "version" }
  | { readonly command: "completion"; readonly shell: "bash" | "zsh" | "fish" }
  /** Text that was asked for and is ready: help. */
  | { readonly command: "text"; readonly text: string }

/** How a command says what is asked for. */
export type Ask = (invocation: Invocation) => Effect.Effect<void>
