import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"

// What the style of this project never does, by name and with what to do instead; and the limits on size. The linter
// and the compiler hold some of it too; here it also holds against their being switched off for a line.

const linesMax = 400
const functionLinesMax = 70
const edge = "src/main.ts"

interface Place {
  readonly file: string
  readonly line: number
}

interface Exception {
  readonly file: string
  readonly what: string
  readonly why: string
}

/** Where the outside leaves no other way. Each is used, or this test fails. */
const exceptions: ReadonlyArray<Exception> = [
  {
    file: "src/layers/embedded/libsqlFile.ts",
    what: "setImmediate",
    why: "the driver is synchronous; only a macrotask lets timers and sockets have their turn"
  },
  { file: "src/layers/kafka/patches.ts", what: "Date.now", why: "a function of kafkajs, by whose clock it is called" },
  { file: "src/layers/kafka/requestQueue.ts", what: "setTimeout", why: "a function of kafkajs, where no Effect runs" },
  { file: "src/layers/kafka/requestQueue.ts", what: "setInterval", why: "a function of kafkajs, where no Effect runs" }
]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name).replaceAll("\\", "/"))
    .toSorted()

/** Names that are used as `object.name`, and what to use instead. */
const members: Readonly<Record<string, string>> = {
  "JSON.parse": "Schema.parseJson: what comes from outside is checked",
  "Date.now": "Clock.currentTimeMillis: a simulation replays only what reads the Clock",
  "Math.random": "Random: a simulation replays only what reads Random",
  "process.env": "an argument: only the edge knows the process",
  "process.argv": "an argument: only the edge knows the process",
  "process.exit": "an exit code: only the edge ends the process",
  "process.on": "an interruption: only the edge hears signals",
  "console.log": "Console.log for data, Effect.log for the log",
  "console.error": "Console.error or Effect.logError",
  "Effect.runPromise": "return the effect: only the edge runs it",
  "Effect.runSync": "return the effect: only the edge runs it",
  "Queue.take": "Mailbox.take: an interrupted Queue.take loses its item"
}
const calls: Readonly<Record<string, string>> = {
  setTimeout: "Effect.sleep",
  setInterval: "Schedule",
  setImmediate: "Effect.yieldNow, or Effect.sleep"
}

/** What of this node is never done, if any, and what is done instead. */
const banned = (node: ts.Node): readonly [what: string, instead: string] | undefined => {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return ["any", "unknown, and a Schema where it comes from outside"]
  if (ts.isNonNullExpression(node)) return ["!", "a check"]
  if (ts.isTypeAssertionExpression(node)) return ["<T>x", "a check, or a Schema"]
  if (ts.isAsExpression(node) && node.type.getText() !== "const") return ["as", "a check, or a Schema"]
  if (ts.isPropertyAccessExpression(node)) {
    const what = `${node.expression.getText()}.${node.name.text}`
    const instead = Object.hasOwn(members, what) ? members[what] : undefined
    return instead === undefined ? undefined : [what, instead]
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const what = node.expression.text
    const instead = Object.hasOwn(calls, what) ? calls[what] : undefined
    return instead === undefined ? undefined : [what, instead]
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && (node.arguments ?? []).length === 0) {
    return ["new Date()", "Clock: a simulation replays only what reads the Clock"]
  }
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const from = node.moduleSpecifier.text
    if (from === "effect") return ["the barrel", "import * as Effect from \"effect/Effect\""]
    if (from.startsWith(".") && !from.endsWith(".js")) return ["an import without .js", "the name of the compiled file"]
  }
  return undefined
}

const comments: ReadonlyArray<readonly [pattern: RegExp, what: string, instead: string]> = [
  [/@ts-(?:ignore|nocheck|expect-error)/, "@ts-ignore", "types that are right"],
  [/\b(?:TODO|FIXME|XXX)\b(?!.*#\d)/, "TODO", "the thing itself, or the number of its issue"]
]

const linesOf = (node: ts.Node): number => node.getText().split("\n").length

/** Without the lines of functions inside: what makes a service from its operations may list them all. */
const ownLines = (node: ts.Node): number => {
  let lines = linesOf(node)
  const walk = (inner: ts.Node): void => {
    if (ts.isFunctionLike(inner)) lines -= linesOf(inner) - 1
    else ts.forEachChild(inner, walk)
  }
  ts.forEachChild(node, walk)
  return lines
}

const visit = (file: string, text: string, found: (what: string, instead: string, place: Place) => void) => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const place = (node: ts.Node): Place => ({
    file,
    line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1
  })
  const walk = (node: ts.Node): void => {
    const problem = banned(node)
    if (problem !== undefined) found(problem[0], problem[1], place(node))
    if (ts.isFunctionLike(node)) {
      const lines = ownLines(node)
      if (lines > functionLinesMax) {
        found("a long function", `at most ${functionLinesMax} lines, not ${lines}: parts with names`, place(node))
      }
    }
    ts.forEachChild(node, walk)
  }
  walk(source)
  const lines = text.split("\n")
  for (const [index, line] of lines.entries()) {
    for (const [pattern, what, instead] of comments) {
      if (pattern.test(line)) found(what, instead, { file, line: index + 1 })
    }
  }
  if (lines.length > linesMax) {
    found("a long file", `at most ${linesMax} lines, not ${lines.length}: one reason to exist`, { file, line: 1 })
  }
}

describe("src is tidy", () => {
  const used = new Set<Exception>()
  for (const file of filesBelow("src")) {
    it(file, () => {
      const problems: Array<string> = []
      visit(file, readFileSync(file, "utf8"), (what, instead, { line }) => {
        const exception = exceptions.find((one) => one.file === file && one.what === what)
        if (exception !== undefined) used.add(exception)
        else if (file !== edge || !/^process\.|^set|^Effect\.run/.test(what)) {
          problems.push(`${file}:${line}: ${what}; instead: ${instead}`)
        }
      })
      assert.deepStrictEqual(problems, [])
    })
  }

  it("every exception is used", () => {
    assert.deepStrictEqual(exceptions.filter((one) => !used.has(one)), [])
  })
})

describe("tests are whole", () => {
  for (const file of filesBelow("test")) {
    it(file, () => {
      const text = readFileSync(file, "utf8")
      const switchedOff = /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|todo|skipIf)\b/.exec(text)?.[0]
      assert.isUndefined(switchedOff, `${file}: ${switchedOff}`)
      assert.isAtMost(text.split("\n").length, linesMax, `${file} is longer than ${linesMax} lines`)
    })
  }
})

const problemsOf = (text: string) => {
  const found: Array<string> = []
  visit("src/x.ts", text, (what) => found.push(what))
  return found
}

describe("the check itself", () => {
  it("sees what it bans, and not the same words in strings and comments", () => {
    assert.deepStrictEqual(problemsOf("const a: any = JSON.parse(b!) as string"), ["any", "as", "JSON.parse", "!"])
    assert.deepStrictEqual(problemsOf(`const a = ["as any", Date.now()] as const`), ["Date.now"])
    assert.deepStrictEqual(problemsOf(`// any, setTimeout(f), process.env`), [])
    assert.deepStrictEqual(problemsOf(`setTimeout(f, Math.random()); new Date(); new Date(0)`), [
      "setTimeout",
      "Math.random",
      "new Date()"
    ])
    assert.deepStrictEqual(problemsOf(`import { Effect } from "effect"\nimport { x } from "./x"`), [
      "the barrel",
      "an import without .js"
    ])
    assert.deepStrictEqual(problemsOf(`// @ts-ignore\n// TODO later\n// TODO see #12`), ["@ts-ignore", "TODO"])
  })
  it("counts lines", () => {
    assert.deepStrictEqual(problemsOf(`const f = () => {${"\n".repeat(functionLinesMax)}}`), ["a long function"])
    assert.deepStrictEqual(problemsOf("\n".repeat(linesMax)), ["a long file"])
  })
})
