import { type Request } from "./faults.js"
import { parseDelete, parseInsert, type TableDelete, type TableInsert } from "./tableStatements.js"
import { type Condition, conditions, conditionsAfterWhere, literals } from "./literals.js"

/** The statements that production sends. One that is not among them is a defect, of this model or of production. */
export type Statement =
  | { readonly kind: "begin" | "commit" | "rollback" }
  | { readonly kind: "nothing" | "warnings" | "warning count" | "variables" }
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "isolation"; readonly level: string; readonly next: boolean }
  | { readonly kind: "claim"; readonly values: ReadonlyArray<string>; readonly raises: boolean }
  | { readonly kind: "move"; readonly offset: string; readonly conn: boolean; readonly where: ReadonlyArray<Condition> }
  | { readonly kind: "look"; readonly where: ReadonlyArray<Condition>; readonly forUpdate: boolean }
  | { readonly kind: "stored"; readonly where: ReadonlyArray<Condition> }
  | { readonly kind: "owner"; readonly where: ReadonlyArray<Condition>; readonly sleeping: boolean }
  | { readonly kind: "kill"; readonly connection: number }
  | { readonly kind: "letter"; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: "letter offsets"; readonly sql: string }
  | { readonly kind: "sources"; readonly where: ReadonlyArray<Condition> }
  | { readonly kind: "two sources"; readonly ids: ReadonlyArray<number> }
  | { readonly kind: "new source"; readonly values: ReadonlyArray<string> }
  | { readonly kind: "topic id"; readonly set: ReadonlyArray<Condition>; readonly where: ReadonlyArray<Condition> }
  | { readonly kind: "index columns"; readonly sql: string }
  | TableInsert
  | TableDelete

/** What SET SESSION says, as far as the server acts on it. */
export interface Settings {
  readonly lockWaitS?: number
  readonly waitTimeoutS?: number
}

const number = (text: string, pattern: RegExp): number | undefined => {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

const settingsOf = (text: string): Settings => {
  const lockWaitS = number(text, /\binnodb_lock_wait_timeout=(\d+)/u)
  const waitTimeoutS = number(text, / wait_timeout=(\d+)/u)
  return {
    ...(lockWaitS === undefined ? {} : { lockWaitS }),
    ...(waitTimeoutS === undefined ? {} : { waitTimeoutS })
  }
}

const simple: ReadonlyMap<string, Statement> = new Map<string, Statement>([
  ["START TRANSACTION", { kind: "begin" }],
  ["BEGIN", { kind: "begin" }],
  ["COMMIT", { kind: "commit" }],
  ["ROLLBACK", { kind: "rollback" }],
  ["DO 0", { kind: "nothing" }],
  ["SHOW WARNINGS LIMIT 1", { kind: "warnings" }],
  ["SELECT @@warning_count AS warnings", { kind: "warning count" }]
])

type Parse = (text: string) => Statement

/** By how they begin, the longer before the shorter. */
const byHead: ReadonlyArray<readonly [head: string, parse: Parse]> = [
  ["SET SESSION TRANSACTION ISOLATION LEVEL ", (text) => ({ kind: "isolation", level: text.slice(40), next: false })],
  ["SET TRANSACTION ISOLATION LEVEL ", (text) => ({ kind: "isolation", level: text.slice(32), next: true })],
  ["SET SESSION ", (text) => ({ kind: "settings", settings: settingsOf(text) })],
  ["UPDATE kafka_offsets SET ", parseMove],
  ["INSERT INTO kafka_offsets ", (text) => ({
    kind: "claim",
    values: valuesOf(text),
    raises: text.includes("generation = generation + 1")
  })],
  ["INSERT INTO kafka_sources ", (text) => ({ kind: "new source", values: valuesOf(text) })],
  ["UPDATE kafka_sources SET ", (text) => {
    const at = text.indexOf(" WHERE ")
    return { kind: "topic id", set: conditions(text.slice(0, at)), where: conditions(text.slice(at)) }
  }],
  ["INSERT INTO dead_letters ", parseLetter],
  ["INSERT INTO ", parseInsert],
  ["DELETE ", parseDelete],
  ["SELECT CAST(`offset` AS CHAR) AS `stored`, ", (text) => ({
    kind: "look",
    where: conditionsAfterWhere(text),
    forUpdate: text.endsWith(" FOR UPDATE")
  })],
  ["SELECT `partition`, CAST(`offset` AS CHAR)", (text) => ({ kind: "stored", where: conditionsAfterWhere(text) })],
  ["SELECT CAST(ID AS CHAR) AS conn FROM ", (text) => ({
    kind: "owner",
    where: conditions(text.slice(text.indexOf("(SELECT conn "), text.indexOf(")", text.indexOf("(SELECT conn ")))),
    sleeping: text.includes("COMMAND = 'Sleep'")
  })],
  ["KILL ", (text) => ({ kind: "kill", connection: Number(text.slice(5)) })],
  ["SELECT CAST(`offset` AS CHAR) AS `position` FROM dead_letters", (text) => ({ kind: "letter offsets", sql: text })],
  ["SELECT s.id, ", (text) =>
    text.includes(" WHERE s.id IN ")
      ? { kind: "two sources", ids: text.slice(text.lastIndexOf("(") + 1, -1).split(", ").map(Number) }
      : { kind: "sources", where: conditions(text.slice(text.lastIndexOf(" WHERE "))) }],
  ["SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS", (text) => ({ kind: "index columns", sql: text })],
  ["SHOW VARIABLES WHERE ", () => ({ kind: "variables" })]
]

function parseMove(text: string): Statement {
  const at = text.indexOf(" WHERE ")
  const set = text.slice(0, at)
  const offset = /`offset` = (\d+)/u.exec(set)?.[1]
  if (offset === undefined || at === -1) throw new Error(`no move of the stored offset: ${text}`)
  return { kind: "move", offset, conn: set.includes("conn = CONNECTION_ID()"), where: conditions(text.slice(at)) }
}

/** What is between VALUES and the end of its bracket. */
function valuesOf(text: string): ReadonlyArray<string> {
  const from = text.indexOf(" VALUES (") + 9
  const to = text.indexOf(" ON DUPLICATE KEY UPDATE ")
  return literals(text.slice(from, (to === -1 ? text.length : to) - 1))
}

function parseLetter(text: string): Statement {
  const names = text.slice(text.indexOf("(") + 1, text.indexOf(") VALUES ")).split(", ")
  const values = valuesOf(text)
  return {
    kind: "letter",
    values: new Map(names.map((name, index) => [name.replaceAll("`", ""), values[index] ?? ""]))
  }
}

const settingsRead = new Map<string, Statement>()

export const parse = (text: string): Statement => {
  const found = simple.get(text) ?? settingsRead.get(text)
  if (found !== undefined) return found
  const known = byHead.find(([head]) => text.startsWith(head))
  if (known === undefined) throw new Error(`the simulated MySQL does not know this statement: ${text.slice(0, 500)}`)
  const statement = known[1](text)
  // The same few texts lead every request of every run.
  if (statement.kind === "settings" || statement.kind === "isolation") settingsRead.set(text, statement)
  return statement
}

/** Statements of one text. Production writes no literal that could hold a semicolon. */
export const parseAll = (text: string): ReadonlyArray<Statement> => text.split(";").map((one) => parse(one.trim()))

const requests: Partial<Record<Statement["kind"], Request>> = {
  claim: "acquire",
  move: "move",
  insert: "rows",
  delete: "rows",
  letter: "letters",
  commit: "commit",
  look: "look",
  owner: "owner",
  kill: "kill"
}

/** Which statement a text is about; a fault meets this one. */
export const mainOf = (statements: ReadonlyArray<Statement>): readonly [index: number, request: Request] => {
  const index = statements.findIndex(({ kind }) => requests[kind] !== undefined)
  const request = requests[statements[index]?.kind ?? "nothing"]
  if (request !== undefined) return [index, request]
  return [statements.length - 1, statements.length === 1 && statements[0]?.kind === "rollback" ? "rollback" : "other"]
}
