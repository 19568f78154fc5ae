import { relative, sep } from "node:path"
import type { Reporter, SerializedError, TestModule, TestProject } from "vitest/node"
import { serverNames } from "./context.js"

const layers = [
  { name: "domain (unit, property)", holds: (file: string) => file.startsWith("test/domain/") },
  { name: "simulation", holds: (file: string) => file.startsWith("test/simulation/") },
  { name: "integration (real servers)", holds: (file: string) => file.startsWith("test/integration/") },
  { name: "end to end (processes)", holds: (file: string) => file.startsWith("test/e2e/") },
  { name: "layers and programs", holds: () => true }
]
type Counts = { run: number; failed: number; skipped: number }

const count = (modules: ReadonlyArray<TestModule>): Counts => {
  const counts: Counts = { run: 0, failed: 0, skipped: 0 }
  for (const module of modules) {
    const before = counts.failed
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === "skipped" || state === "pending") counts.skipped += 1
      else counts.run += 1
      if (state === "failed") counts.failed += 1
    }
    // A file that cannot be read, or a hook that fails, may have no failed test; it must not read as passed.
    if (module.state() === "failed" && counts.failed === before) {
      counts.run += 1
      counts.failed += 1
    }
  }
  return counts
}

/** Why the servers that are missing are missing. */
const reasons = (project: TestProject | undefined): ReadonlyArray<string> => {
  if (project === undefined) return []
  const context = project.getProvidedContext()
  return serverNames.flatMap((name) => {
    const server = context[name]
    return server !== undefined && "missing" in server ? [`no ${name}: ${server.missing}`] : []
  })
}

/** Ends the run with what ran, failed and was left out, per layer; the last line is for machines. */
export default class Summary implements Reporter {
  private modules: ReadonlyArray<TestModule> = []
  private errors: ReadonlyArray<SerializedError> = []

  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<SerializedError>): void {
    this.modules = modules
    this.errors = errors
  }

  /** Later than `onTestRunEnd`: here the default reporter has printed its own summary. */
  onFinished(): void {
    const rest = new Set(this.modules)
    const rows = layers.map(({ holds, name }) => {
      const own = [...rest].filter((module) => holds(relative(process.cwd(), module.moduleId).split(sep).join("/")))
      own.forEach((module) => rest.delete(module))
      return { name, ...count(own) }
    })
    const width = Math.max(...layers.map(({ name }) => name.length))
    const lines = rows.map(({ failed, name, run, skipped }) =>
      `  ${name.padEnd(width)}  ${run} run, ${failed} failed, ${skipped} left out`
    )
    const all = count(this.modules)
    const failed = all.failed + this.errors.length
    const incomplete = this.incomplete(all.skipped)
    process.stdout.write(
      [
        "",
        ...lines,
        ...(this.errors.length > 0 ? [`  errors outside tests: ${this.errors.length}`] : []),
        ...(incomplete === undefined ? [] : ["", `NOT A FULL PASS: ${incomplete}`]),
        "",
        `${all.run - all.failed} passed, ${failed} failed, ${all.skipped} skipped`,
        ""
      ].join("\n")
    )
  }

  /** Why this run must not be taken for a full pass, if so. */
  private incomplete(skipped: number): string | undefined {
    const integration = this.modules.find((module) => module.project.name === "integration")
    const parts = [
      ...(integration === undefined ? ["the tests on real servers were not part of this run"] : []),
      ...(this.modules.every((module) => module.project.name === "integration")
        ? ["the tests without servers were not part of this run"]
        : []),
      ...(skipped > 0 ? [`${skipped} tests were left out`] : []),
      ...reasons(integration?.project)
    ]
    return parts.length > 0 ? parts.join("; ") : undefined
  }
}
