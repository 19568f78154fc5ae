import { nearest } from "../nearest.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import type { KeyInfo } from "./KeySpec.js"
import { environmentName, spellings } from "./keys.js"
import { isForAll, misspelt, readTopicKey, topicKey } from "./topicKey.js"

export interface PropertyEntry {
  readonly key: string
  readonly value: string
  readonly line: number
}

export interface PropertiesText {
  readonly name: string
  readonly entries: ReadonlyArray<PropertyEntry>
}

/** All that can say what a key is. Later ones win: files in order, environment, overrides in order. */
export interface ConfigSources {
  readonly files: ReadonlyArray<PropertiesText>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Contents of the files that `secretFiles` names; absent: could not be read. */
  readonly secrets: ReadonlyMap<string, string>
  /** Contents of the files that `namedFiles` names; absent: could not be read. */
  readonly contents?: ReadonlyMap<string, string>
  /** `--set` and the flags that stand for a key. */
  readonly overrides: ReadonlyArray<{ readonly name: string; readonly value: string; readonly source: string }>
}

/** What somebody said about a key. */
export interface Setting {
  readonly text: string
  /** `file:line`, the name of an environment variable, or a flag. */
  readonly source: string
  /** What a source of lower precedence said. */
  readonly before?: Setting | undefined
}

export interface Settings {
  /** By canonical key. */
  readonly given: ReadonlyMap<string, Setting>
  /** What is said of one topic alone: by topic, then by canonical key without `table.TOPIC.`. */
  readonly ofTopics: ReadonlyMap<string, ReadonlyMap<string, Setting>>
  readonly problems: ReadonlyArray<ConfigProblem>
}

const secretFileNames: ReadonlyArray<readonly [variable: string, info: KeyInfo]> = Array.from(spellings)
  .filter(([, info]) => info.secret)
  .map(([name, info]) => [`${environmentName(name)}_FILE`, info])

/** Files that the environment names for secrets (`TRIBUTARY_MYSQL_PASSWORD_FILE`). */
export const secretFiles = (environment: ConfigSources["environment"]): ReadonlyArray<string> =>
  secretFileNames.flatMap(([variable]) => environment[variable] || [])

/** Files that keys name, of which the content is the value. */
export const namedFiles = (sources: ConfigSources): ReadonlyArray<string> => {
  const { given, ofTopics } = mergeSources(sources)
  return [given, ...ofTopics.values()].flatMap((settings) =>
    [...settings].flatMap(([key, { text }]) => spellings.get(key)?.file === true && text !== "" ? [text] : [])
  )
}

/** Merges the sources, and lists what is wrong with the names in them. Values are not looked at. */
export const mergeSources = (sources: ConfigSources): Settings => {
  const given = new Map<string, Setting>()
  const ofTopics = new Map<string, Map<string, Setting>>()
  const problems: Array<ConfigProblem> = []
  const settingsOf = (topic: string | undefined): Map<string, Setting> => {
    if (topic === undefined) return given
    const known = ofTopics.get(topic) ?? new Map<string, Setting>()
    ofTopics.set(topic, known)
    return known
  }
  const take = (source: Source) => {
    for (const { info, source: from, text, topic } of source.given) {
      const settings = settingsOf(topic)
      settings.set(info.key, { text, source: from, before: settings.get(info.key) })
    }
    problems.push(...source.problems)
  }
  for (const file of sources.files) take(fromFile(file))
  take(fromEnvironment(sources.environment, sources.secrets))
  take(fromOverrides(sources.overrides))
  return { given, ofTopics, problems }
}

interface Source {
  readonly given: ReadonlyArray<Said>
  readonly problems: ReadonlyArray<ConfigProblem>
}

interface Named {
  readonly info: KeyInfo
  /** Undefined: said of all topics. */
  readonly topic?: string | undefined
}

interface Said extends Setting, Named {
  readonly name: string
}

const named = (name: string): Named | undefined => {
  const info = spellings.get(name)
  return info === undefined ? readTopicKey(name) : { info }
}

const fromFile = (file: PropertiesText): Source => {
  const said: Array<Said> = []
  const problems: Array<ConfigProblem> = []
  for (const { key, line, value } of file.entries) {
    const found = named(key)
    const source = `${file.name}:${line}`
    if (found === undefined) problems.push(unknownKey(key, source))
    else said.push({ ...found, name: key, text: found.info.secret ? value : value.trim(), source })
  }
  return merged(said, problems, "refuse")
}

const fromEnvironment = (
  environment: ConfigSources["environment"],
  secrets: ConfigSources["secrets"]
): Source => {
  const said: Array<Said> = []
  const problems: Array<ConfigProblem> = []
  const known = new Set<string>()
  for (const [name, info] of spellings) {
    const variable = environmentName(name)
    known.add(variable)
    const value = environment[variable]
    // Empty counts as unset: compose files and manifests pass variables on whether or not they have a value.
    if (value !== undefined && value !== "") said.push({ name: variable, info, text: value, source: variable })
  }
  for (const [variable, info] of secretFileNames) {
    known.add(variable)
    const path = environment[variable]
    if (path === undefined || path === "") continue
    const secret = secrets.get(path)
    if (secret === undefined) {
      problems.push({
        code: "TRB-1006",
        key: info.key,
        value: undefined,
        source: variable,
        what: `cannot read the file ${path}`,
        expected: "expected a file that this account may read"
      })
    } else said.push({ name: variable, info, text: secret.replace(/\r?\n$/, ""), source: variable })
  }
  for (const name of Object.keys(environment)) {
    // Others use the prefix as well: Kubernetes names TRIBUTARY_PORT for a service "tributary". So only a near miss of
    // a known name is an error, not every unknown one.
    if (!name.startsWith("TRIBUTARY_") || known.has(name) || !environment[name]) continue
    const meant = nearest(name, known, 1 / 10)
    if (meant !== undefined) problems.push(unknownKey(name, "environment", meant))
  }
  return merged(said, problems, "refuse")
}

const fromOverrides = (overrides: ConfigSources["overrides"]): Source => {
  const said: Array<Said> = []
  const problems: Array<ConfigProblem> = []
  for (const { name, source, value } of overrides) {
    const found = named(name)
    if (found === undefined) problems.push(unknownKey(name, source))
    else said.push({ ...found, name, text: found.info.secret ? value : value.trim(), source })
  }
  return merged(said, problems, "last wins")
}

/** Two values for one key in one source are a mistake that one of them hides; on a command line the last one wins. */
const merged = (
  said: ReadonlyArray<Said>,
  problems: Array<ConfigProblem>,
  repeated: "refuse" | "last wins"
): Source => {
  const given = new Map<string, Said>()
  for (const next of said) {
    const key = canonical(next)
    const before = given.get(key)
    if (before !== undefined && (repeated === "refuse" || before.name !== next.name)) {
      problems.push({
        code: "TRB-1004",
        key,
        value: undefined,
        source: before.source === next.source ? next.source : `${before.source} and ${next.source}`,
        what: before.name === next.name ? "is set twice" : `is set twice: as ${before.name} and as ${next.name}`,
        expected: "keep one"
      })
    }
    given.set(key, next)
  }
  return { given: [...given.values()], problems }
}

const canonical = ({ info, topic }: Named): string => topic === undefined ? info.key : topicKey(topic, info.key)

/** Its value is not shown: what follows a misspelt `mysql.password` is a password. */
const unknownKey = (
  key: string,
  source: string,
  meant: string | undefined = nearest(key, spellings.keys(), 1 / 10) ?? misspelt(key) ?? nearest(key, spellings.keys())
): ConfigProblem => ({
  code: "TRB-1001",
  key,
  value: undefined,
  source,
  ...(isForAll(key)
    ? { what: "cannot be said of one topic", expected: "leave out table and the topic" }
    : {
      what: "unknown key",
      expected: meant === undefined ? "list the keys with: tributary config show" : `did you mean ${meant}?`
    })
})
