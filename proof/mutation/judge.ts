import * as Schema from "effect/Schema"
import type { TestCatcher } from "./Mutation.js"

/** What one run of a catcher says of the tree that it ran on. */
export type Verdict =
  | { readonly _tag: "Passed" }
  /** The promise is broken, and something says so. */
  | { readonly _tag: "Caught"; readonly message: string }
  /** It says nothing about the promise: it did not compile, a server was away, there is no such test. */
  | { readonly _tag: "Unusable"; readonly why: string }

/** What `vitest --reporter=json` writes, as far as it is used. */
const Report = Schema.Struct({
  testResults: Schema.Array(Schema.Struct({
    name: Schema.String,
    message: Schema.optional(Schema.String),
    assertionResults: Schema.Array(Schema.Struct({
      fullName: Schema.String,
      status: Schema.String,
      failureMessages: Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
    }))
  }))
})
export type Report = typeof Report.Type
export const decodeReport = Schema.decodeUnknownSync(Schema.parseJson(Report))

/** Not an answer about the promise: the edit is not a program, or what the test needs is not there. */
const wrongReason =
  /ReferenceError|SyntaxError|is not a function|Cannot read propert|Cannot find (module|package)|Transform failed|Failed to (load|resolve)|ECONNREFUSED|could not be started/u
const timedOut = /timed out in \d+ ?ms/u

const firstLines = (text: string): string => text.split("\n").slice(0, 2).join(" ").slice(0, 240)

/** Whether the test that the catcher names has failed, and for a reason that counts. */
export const judge = (report: Report, { file, hangs, test }: TestCatcher): Verdict => {
  const suites = report.testResults.filter(({ name }) => name.endsWith(file))
  const named = suites.flatMap(({ assertionResults }) => assertionResults).filter(({ fullName }) =>
    fullName.includes(test)
  )
  const ran = named.filter(({ status }) => status === "passed" || status === "failed")
  if (ran.length === 0) {
    const said = suites.map(({ message }) => message ?? "").find((message) => message !== "")
    return { _tag: "Unusable", why: said === undefined ? `${file} has run no test "${test}"` : firstLines(said) }
  }
  const messages = ran.flatMap(({ failureMessages, status }) =>
    status === "failed" ? [(failureMessages ?? []).join("\n")] : []
  )
  if (messages.length === 0) return { _tag: "Passed" }
  const right = messages.find((message) => !wrongReason.test(message) && (hangs === true || !timedOut.test(message)))
  return right === undefined
    ? { _tag: "Unusable", why: firstLines(messages[0] ?? "") }
    : { _tag: "Caught", message: firstLines(right) }
}
