import * as Schema from "effect/Schema"
import type { TestCatcher } from "./Mutation.js"

/** What one run of a catcher says of the tree that it ran on. */
export type Verdict =
  | { readonly _tag: "Passed" }
  /** The promise is broken, and something says so. */
  | { readonly _tag: "Caught"; readonly message: string }
  /** It says nothing about the promise: it did not compile, a server was away, there is no such test. */
  | { readonly _tag: "Unusable"; readonly why: string }

/** How the tests of one file have ended. */
export const FileReport = Schema.Struct({
  file: Schema.String,
  /** Why it could not be loaded. */
  errors: Schema.Array(Schema.String),
  tests: Schema.Array(Schema.Struct({
    /** With the names of the groups around it. */
    name: Schema.String,
    state: Schema.String,
    errors: Schema.Array(Schema.String)
  }))
})
export type FileReport = typeof FileReport.Type

/** Not an answer about the promise: the edit is not a program, or what the test needs is not there. */
const wrongReason =
  /ReferenceError|SyntaxError|ParseError|is not a function|Cannot read propert|Cannot find (module|package)|Transform failed|Failed to (load|resolve)|ECONNREFUSED|could not be started/u
const timedOut = /timed out in \d+ ?ms/u

const firstLines = (text: string): string => text.split("\n").slice(0, 2).join(" ").slice(0, 240)

/** Whether the test that the catcher names has failed, and for a reason that counts. */
export const judge = (reports: ReadonlyArray<FileReport>, { file, hangs, test }: TestCatcher): Verdict => {
  const files = reports.filter((report) => report.file.endsWith(file))
  const ran = files.flatMap(({ tests }) => tests).filter(({ name, state }) =>
    name.includes(test) && (state === "passed" || state === "failed")
  )
  if (ran.length === 0) {
    const [error] = files.flatMap(({ errors }) => errors)
    return { _tag: "Unusable", why: error === undefined ? `it has run no such test` : firstLines(error) }
  }
  const messages = ran.flatMap(({ errors, state }) => state === "failed" ? [errors.join("\n")] : [])
  if (messages.length === 0) return { _tag: "Passed" }
  const right = messages.find((message) => !wrongReason.test(message) && (hangs === true || !timedOut.test(message)))
  return right === undefined
    ? { _tag: "Unusable", why: firstLines(messages[0] ?? "") }
    : { _tag: "Caught", message: firstLines(right) }
}
