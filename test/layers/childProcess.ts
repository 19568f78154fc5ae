import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

const viteNode = join(import.meta.dirname, "../../node_modules/vite-node/vite-node.mjs")

/** A process that runs a TypeScript file of the tests, gone for good when the scope closes. */
export const startChild = (file: string, ...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.async<{ readonly child: ChildProcess; readonly output: () => string }>((resume) => {
      const child = spawn(process.execPath, [viteNode, join(import.meta.dirname, file), ...args], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      let output = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text
        if (output.includes("held\n")) resume(Effect.succeed({ child, output: () => output }))
      })
      child.once("exit", (code) => resume(Effect.dieMessage(`exited with ${code} before it was ready: ${output}`)))
    }),
    ({ child }) => kill(child)
  )

/** SIGKILL, and the process is gone when it returns. */
export const kill = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
