import * as Schema from "effect/Schema"
import { ViteNodeRunner } from "vite-node/client"
import { ViteNodeServer } from "vite-node/server"
import { createVitest, type TestModule } from "vitest/node"
import type { FileReport } from "./judge.js"
import { type Answer, Request, SeedFound } from "./protocol.js"

// Runs tests and simulations of the folder that it is started in, again and again: what has not changed is transformed
// once, and servers are started once. A process of its own, so that one that hangs can be ended.

const root = process.cwd()
const decode = Schema.decodeUnknownSync(Request)
const decodeSeed = Schema.decodeUnknownSync(Schema.UndefinedOr(SeedFound))
const say = (answer: Answer): void => void process.send?.(answer)

const described = (error: { readonly name?: unknown; readonly message: string }): string =>
  `${String(error.name)}: ${error.message}`

const reportOf = (module: TestModule): FileReport => ({
  file: module.moduleId,
  errors: module.errors().map(described),
  tests: Array.from(module.children.allTests(), (test) => {
    const { errors = [], state } = test.result()
    return { name: test.fullName.replaceAll(" > ", " "), state, errors: errors.map(described) }
  })
})

const vitest = await createVitest("test", { watch: false, reporters: [{}] })

/** Modules of their own each time: what a search has loaded is not what the next one is about. */
const search = async ({ except, from, to }: Extract<Request, { readonly _tag: "Seeds" }>) => {
  const server = new ViteNodeServer(vitest.vite)
  const runner = new ViteNodeRunner({
    root,
    fetchModule: (id) => server.fetchModule(id),
    resolveId: (id, importer) => server.resolveId(id, importer)
  })
  const loaded: unknown = await runner.executeFile(`${root}/proof/mutation/seeds.ts`)
  if (typeof loaded !== "object" || loaded === null || !("search" in loaded) || typeof loaded.search !== "function") {
    throw new Error("proof/mutation/seeds.ts has no search")
  }
  return decodeSeed(loaded.search(from, to, except))
}

const answerTo = async (request: Request): Promise<Answer> => {
  for (const file of request.changed) {
    vitest.invalidateFile(`${root}/${file}`)
    vitest.vite.moduleGraph.onFileChange(`${root}/${file}`)
  }
  if (request._tag === "Seeds") {
    const found = await search(request)
    return { _tag: "Searched", ...(found === undefined ? {} : { found }) }
  }
  vitest.setGlobalTestNamePattern(new RegExp(request.pattern, "u"))
  const specifications = await vitest.globTestSpecifications([...request.files])
  const { testModules } = await vitest.runTestSpecifications(specifications)
  return { _tag: "Ran", reports: testModules.map(reportOf) }
}

process.on("message", (message) => {
  answerTo(decode(message)).then(
    say,
    (error: unknown) => say({ _tag: "Broken", why: error instanceof Error ? error.message : String(error) })
  )
})
process.on("disconnect", () => {
  void vitest.close().finally(() => process.exit(0))
})
say({ _tag: "Ready" })
