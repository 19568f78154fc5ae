import type * as Effect from "effect/Effect"
import type { DemoOptions } from "../demo.js"
import type { DlqRequest } from "../dlq/DlqRequest.js"
import type { LabRequest } from "../lab/labCommand.js"
import type { OnBrokers } from "../lab/onBrokers.js"
import type { LagOptions, StatusOptions } from "../lag/lag.js"
import type { LogDumpOptions } from "../logDump/options.js"
import type { PlanOptions } from "../plan/PlanOptions.js"
import type { ProduceOptions } from "../produce/ProduceOptions.js"
import type { ReadOptions } from "../read/settings.js"
import type { TopicsRequest } from "../topics/request.js"
import type { TransformOptions } from "../transform/settings.js"
import type { VerifyOptions } from "../verify.js"

/** What the arguments ask for. */
export type Invocation =
  | { readonly command: "run"; readonly untilEnd: boolean; readonly groups: string | undefined }
  | { readonly command: "produce"; readonly options: ProduceOptions }
  | {
    readonly command: "read"
    /** One of the two: a topic, or a file that names groups with their topics. */
    readonly topic: string | undefined
    readonly groups: string | undefined
    readonly options: Omit<ReadOptions, "topic">
  }
  | { readonly command: "verify"; readonly options: VerifyOptions }
  | { readonly command: "plan"; readonly options: PlanOptions & { readonly check: boolean; readonly sql: boolean } }
  | { readonly command: "apply"; readonly options: PlanOptions & { readonly yes: boolean } }
  | { readonly command: "dlq"; readonly request: DlqRequest }
  | { readonly command: "lag"; readonly options: LagOptions }
  | { readonly command: "status"; readonly options: StatusOptions }
  | { readonly command: "transform"; readonly options: TransformOptions }
  | { readonly command: "demo"; readonly options: Omit<DemoOptions, "self"> }
  | { readonly command: "lab"; readonly request: LabRequest; readonly brokers?: OnBrokers }
  | { readonly command: "log dump"; readonly options: LogDumpOptions }
  | { readonly command: "topics"; readonly request: TopicsRequest }
  | { readonly command: "config show" }
  | { readonly command: "version" }
  | { readonly command: "completion"; readonly shell: "bash" | "zsh" | "fish" }
  /** Text that was asked for and is ready: help. */
  | { readonly command: "text"; readonly text: string }

/** How a command says what is asked for. */
export type Ask = (invocation: Invocation) => Effect.Effect<void>
