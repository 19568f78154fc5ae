import * as Schema from "effect/Schema"
import { createVitest, type TestModule } from "vitest/node"
import type { FileReport } from "./judge.js"
import { type Answer, Request } from "./protocol.js"

// Runs tests of the folder that it is started in, again and again: what has not changed is transformed once, and servers
// are started once. A process of its own, so that one that hangs can be ended.

const decode = Schema.decodeUnknownSync(Request)
const say = (answer: typeof Answer.Type): void => void process.send?.(answer)

const described = (error: { readonly name?: unknown; readonly message: string; readonly stack?: unknown }): string =>
  `${String(error.name)}: ${error.message}`

const reportOf = (module: TestModule): FileReport => ({
  file: module.moduleId,
  errors: module.errors().map(described),
  tests: Array.from(module.children.allTests(), (test) => {
    const { errors = [], state } = test.result()
    return { name: test.fullName.replaceAll(" > ", " "), state, errors: errors.map(described) }
  })
})

const vitest = await createVitest("test", {
  watch: false,
  reporters: [{}],
  testNamePattern: "nothing yet"
})

process.on("message", (message) => {
  const { changed, files, pattern } = decode(message)
  const run = async () => {
    for (const file of changed) vitest.invalidateFile(`${process.cwd()}/${file}`)
    vitest.setGlobalTestNamePattern(new RegExp(pattern, "u"))
    const specifications = await vitest.globTestSpecifications([...files])
    const { testModules } = await vitest.runTestSpecifications(specifications)
    say({ _tag: "Ran", reports: testModules.map(reportOf) })
  }
  run().catch((error: unknown) => say({ _tag: "Broken", why: error instanceof Error ? error.message : String(error) }))
})
process.on("disconnect", () => {
  void vitest.close().finally(() => process.exit(0))
})
say({ _tag: "Ready" })
