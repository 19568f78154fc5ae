import * as Either from "effect/Either"
import { isTopicName } from "./config/addresses.js"
import { type JsonNode, parseJsonText } from "./jsonText.js"
import { nearest } from "./nearest.js"

/** Some members of one group on one topic. */
export interface GroupEntry {
  /** As JSON paths show it: `$` of a file with one group, else `$[0]`. */
  readonly path: string
  readonly topic: string
  readonly group: string
  /** `consumer.no`: members in this process. */
  readonly members: number
  /** Where a reader writes: `stdout`, as without it, or a folder. */
  readonly sink: string | undefined
  /** Into which table the main job writes, instead of the topic's own. */
  readonly table: string | undefined
}

export interface GroupsProblem {
  readonly line: number
  readonly path: string
  readonly what: string
  readonly cure: string
}

/** A process with more members would spend itself on heartbeats; beyond a topic's partitions they idle anyway. */
const membersMax = 1000

const names = ["topic", "group.id", "consumer.no", "sink", "table"] as const
type Name = typeof names[number]
const isName = (name: string): name is Name => names.some((known) => known === name)

interface Field {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

const text = (pattern: RegExp) => (value: unknown) => typeof value === "string" && pattern.test(value)

const fields: Readonly<Record<Name, Field>> = {
  topic: {
    expected: "a topic name (letters, digits, . _ -)",
    accepts: (value) => typeof value === "string" && isTopicName(value)
  },
  "group.id": { expected: "1 to 255 characters without blanks", accepts: text(/^\S{1,255}$/) },
  "consumer.no": {
    expected: `a whole number from 1 to ${membersMax}`,
    accepts: (value) => typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= membersMax
  },
  sink: { expected: "stdout, or a name that ends in .csv, .tsv or .log", accepts: text(/^stdout$|\.(?:csv|tsv|log)$/) },
  table: { expected: "a table name of at most 64 characters", accepts: text(/^[^\s\0/\\.]{1,64}$/) }
}

/**
 * Reads `{"topic":"click_log","group.id":"hadoop-consumers","consumer.no":20}`, or an array of such objects. Answers all
 * that is wrong with it at once.
 */
export const parseGroups = (
  content: string
): Either.Either<ReadonlyArray<GroupEntry>, ReadonlyArray<GroupsProblem>> => {
  const root = parseJsonText(content)
  if (Either.isLeft(root)) {
    const { column, line, what } = root.left
    return Either.left([{ line, path: `column ${column}`, what, cure: "correct the JSON" }])
  }
  const problems: Array<GroupsProblem> = []
  const nodes = root.right.kind === "array"
    ? root.right.items.map((node, index) => ({ node, path: `$[${index}]` }))
    : [{ node: root.right, path: "$" }]
  if (nodes.length === 0) {
    problems.push({ line: 1, path: "$", what: "the list is empty", cure: `expected ${example}` })
  }
  const entries = nodes.flatMap(({ node, path }) => readEntry(node, path, problems))
  checkTogether(entries, problems)
  return problems.length > 0 ? Either.left(problems) : Either.right(entries.map(({ entry }) => entry))
}

const example = `{"topic": "click_log", "group.id": "hadoop-consumers"}`

interface Read {
  readonly entry: GroupEntry
  readonly line: number
}

const readEntry = (node: JsonNode, path: string, problems: Array<GroupsProblem>): ReadonlyArray<Read> => {
  const { line } = node
  if (node.kind !== "object") {
    problems.push({ line, path, what: "is not an object", cure: `expected ${example}` })
    return []
  }
  const before = problems.length
  const given = new Map<Name, unknown>()
  for (const { line: at, name, value } of node.fields) {
    const where = { line: at, path: `${path}.${name}` }
    if (!isName(name)) {
      const meant = nearest(name, names)
      const cure = meant === undefined ? `known are ${names.join(", ")}` : `did you mean ${meant}?`
      problems.push({ ...where, what: "is not known", cure })
    } else if (given.has(name)) problems.push({ ...where, what: "stands twice", cure: "keep one" })
    else {
      const scalar = value.kind === "scalar" ? value.value : undefined
      given.set(name, scalar)
      if (fields[name].accepts(scalar)) continue
      const shown = scalar === undefined ? `an ${value.kind}` : JSON.stringify(scalar)
      problems.push({ ...where, what: `${shown} is not understood`, cure: `expected ${fields[name].expected}` })
    }
  }
  for (const name of ["topic", "group.id"] as const) {
    if (given.has(name)) continue
    problems.push({ line, path, what: `"${name}" is missing`, cure: `expected ${fields[name].expected}` })
  }
  if (problems.length > before) return []
  const entry = {
    path,
    topic: String(given.get("topic")),
    group: String(given.get("group.id")),
    members: Number(given.get("consumer.no") ?? 1),
    sink: optionalText(given.get("sink")),
    table: optionalText(given.get("table"))
  }
  return [{ entry, line }]
}

const optionalText = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** Entries that are right one by one and cannot be right together. */
const checkTogether = (entries: ReadonlyArray<Read>, problems: Array<GroupsProblem>): void => {
  for (const [index, { entry, line }] of entries.entries()) {
    const earlier = entries.slice(0, index).map((other) => other.entry)
    const same = earlier.find(({ group, topic }) => group === entry.group && topic === entry.topic)
    if (same !== undefined) {
      problems.push({
        line,
        path: entry.path,
        what: `group ${entry.group} reads topic ${entry.topic} already, in ${same.path}`,
        cure: "keep one, with as many consumer.no as both"
      })
    }
    const folder = entry.sink === "stdout" ? undefined : entry.sink
    const shared = earlier.find(({ group, sink }) => folder !== undefined && sink === folder && group !== entry.group)
    if (shared !== undefined) {
      problems.push({
        line,
        path: `${entry.path}.sink`,
        what: `${folder} is the sink of group ${shared.group} already, in ${shared.path}`,
        cure: "name another one: a folder keeps the positions of one group"
      })
    }
  }
}
