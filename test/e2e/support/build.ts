import { spawn } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { withLock } from "../../../scripts/servers/index.mjs"

const root = resolve(import.meta.dirname, "../../..")

/** What is started: the compiled program, as a user starts it. */
export const mainFile = join(root, "dist/main.js")

/** The property file that comes with the project. */
export const shippedProperties = join(root, "consumer.properties")

const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs)
  )

const isBuilt = (): boolean => existsSync(mainFile) && statSync(mainFile).mtimeMs >= newest(join(root, "src"))

/**
 * Compiles the program if its sources have changed since the last time, so that no test runs an old one. Beside the test
 * process: on a busy machine it takes longer than a minute, and a worker that is deaf for so long is given up by vitest
 * (`Timeout calling "onTaskUpdate"`). One file of tests compiles, the others wait for it.
 */
export const ensureBuilt = (): Promise<void> =>
  withLock(join(root, "node_modules/.tributary-build.lock"), async () => {
    if (!isBuilt()) await build()
  })

const build = async (): Promise<void> => {
  const compiler = join(root, "node_modules/typescript/bin/tsc")
  const child = spawn(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" })
  const code = await new Promise<number | null>((done, failed) => {
    child.on("error", failed)
    child.on("exit", done)
  })
  if (code !== 0) throw new Error(`the program does not compile (exit code ${code})`)
}
