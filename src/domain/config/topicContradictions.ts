import { type ClientConfig, matches, settingsOf, tableOf } from "../Config.js"
import { nearest } from "../nearest.js"
import { foldedName } from "../sql/Row.js"
import { namesRecord } from "../tableName.js"
import type { TopicSettings } from "../TopicSettings.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import { keys } from "./keys.js"
import type { KeyInfo } from "./KeySpec.js"
import type { Reader } from "./reader.js"
import { topicKey } from "./topicKey.js"

type Given = Pick<Reader, "given" | "ofTopics" | "settled">
export type Topics = Pick<ClientConfig, "topics" | "topicPattern" | "tables">

interface Rule {
  readonly broken: (settings: TopicSettings) => boolean
  /** All that it looks at. The first of them that somebody wrote is blamed. */
  readonly keys: readonly [KeyInfo, ...ReadonlyArray<KeyInfo>]
  readonly what: (settings: TopicSettings) => string
  readonly expected: string
}

const bothIn = (some: ReadonlySet<string> | undefined, others: ReadonlySet<string>): ReadonlyArray<string> =>
  some === undefined ? [] : [...some].filter((name) => others.has(name))

const sharedNames = (rename: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const folded = Array.from(rename.values(), foldedName)
  return [...new Set(folded.filter((name, index) => folded.indexOf(name) < index))]
}

const rules: ReadonlyArray<Rule> = [
  {
    broken: (_) => _.insertMode === "upsert" && _.keyMode === "none",
    keys: [keys.insertMode, keys.pkMode],
    what: () => "an upsert needs a key",
    expected: "pk.mode=record_key, or pk.mode=record_value with pk.fields"
  },
  {
    broken: (_) => _.keyMode === "record_value" && _.keyFields.length === 0,
    keys: [keys.pkMode, keys.pkFields],
    what: () => "the key has no field",
    expected: "pk.fields with pk.mode=record_value"
  },
  {
    broken: (_) => _.deleteEnabled && !(_.insertMode === "upsert" && _.keyMode === "record_key"),
    keys: [keys.deleteEnabled, keys.insertMode, keys.pkMode],
    what: () => "a record without a value can delete a row only by the record's key",
    expected: "insert.mode=upsert and pk.mode=record_key with delete.enabled"
  },
  {
    broken: (_) => _.deleteEnabled && namesRecord(_),
    keys: [keys.deleteEnabled, keys.tableNameFormat, keys.tableMap],
    what: () => "a record without a value has no record type, so that ${record} names no table for it",
    expected: "a table.name.format without ${record} where delete.enabled=true"
  },
  {
    broken: (_) => _.valueFormat === "json" && _.valueSchema === undefined,
    keys: [keys.valueFormat, keys.valueSchema],
    what: () => "JSON does not say what its fields are",
    expected: "value.schema with value.format=json"
  },
  {
    broken: (_) => _.keyFormat === "json" && _.keySchema === undefined,
    keys: [keys.keyFormat, keys.keySchema],
    what: () => "JSON does not say what its fields are",
    expected: "key.schema with key.format=json"
  },
  {
    broken: ({ fields }) => bothIn(fields.include, fields.exclude).length > 0,
    keys: [keys.fieldsExclude, keys.fieldsInclude],
    what: ({ fields }) => `both take in and leave out ${bothIn(fields.include, fields.exclude).join(", ")}`,
    expected: "each field in fields.include or in fields.exclude, not in both"
  },
  {
    broken: ({ fields }) => bothIn(fields.hash, fields.redact).length > 0,
    keys: [keys.fieldsHash, keys.fieldsRedact],
    what: ({ fields }) => `both hash and redact ${bothIn(fields.hash, fields.redact).join(", ")}`,
    expected: "each field in fields.hash or in fields.redact, not in both"
  },
  {
    // Of a flattened record the name is the beginning of its columns' names, which may differ after it.
    broken: ({ fields, types }) => types.nested === "json" && sharedNames(fields.rename).length > 0,
    keys: [keys.fieldsRename, keys.nestedMode],
    what: ({ fields }) => `several fields would be called ${sharedNames(fields.rename).join(", ")}`,
    expected: "a name of its own for each field; upper and lower case are the same"
  }
]

/** Settings of topics that are right one by one and cannot be right together. */
export const topicContradictions = (config: Topics, given: Given): ReadonlyArray<ConfigProblem> => [
  ...brokenRules(config, given),
  ...unknownTopics(config, given),
  ...tableNames(config, given)
]

const brokenRules = (config: Topics, given: Given): ReadonlyArray<ConfigProblem> => {
  const known = config.topics.length > 0
  const own = known ? config.topics : [...config.tables.byTopic.keys()]
  // Where the topics are not known, each may have settings of its own.
  const usesDefaults = known
    ? own.some((topic) => !config.tables.byTopic.has(topic))
    : own.length === 0 || given.settled(keys.topics)
  return rules.flatMap((rule) => {
    const isSettled = (topic?: string) => rule.keys.every((key) => given.settled(key, topic))
    const forAll = usesDefaults && isSettled() && rule.broken(config.tables.defaults)
    const topics = own.filter((topic) => {
      const settings = given.ofTopics.get(topic)
      // Said once of all, unless the topic adds to it.
      const adds = rule.keys.some(({ key }) => settings?.has(key))
      return isSettled(topic) && rule.broken(settingsOf(config, topic)) && (adds || !forAll) &&
        config.tables.byTopic.has(topic)
    })
    return [
      ...(forAll ? [refusal(given, undefined, saidOf(rule, config.tables.defaults))] : []),
      ...topics.map((topic) => refusal(given, topic, saidOf(rule, settingsOf(config, topic))))
    ]
  })
}

type Said = Pick<Rule, "keys" | "expected"> & { readonly what: string }

const saidOf = (rule: Rule, settings: TopicSettings): Said => ({ ...rule, what: rule.what(settings) })

/** Blames what somebody wrote, of this topic if there is such. */
const refusal = (
  { given, ofTopics }: Pick<Given, "given" | "ofTopics">,
  topic: string | undefined,
  rule: Said
): ConfigProblem => {
  const own = topic === undefined ? undefined : ofTopics.get(topic)
  const blamed = rule.keys.find(({ key }) => own?.has(key)) ?? rule.keys.find(({ key }) => given.has(key)) ??
    rule.keys[0]
  const ownSetting = own?.get(blamed.key)
  const setting = ownSetting ?? given.get(blamed.key)
  return {
    code: "TRB-1005",
    key: topic !== undefined && ownSetting !== undefined ? topicKey(topic, blamed.key) : blamed.key,
    value: setting === undefined ? blamed.fallback : blamed.display(setting.text),
    source: setting?.source ?? "default",
    what: rule.what,
    expected: `expected ${rule.expected}`
  }
}

/** A later source may choose fewer topics: what is said of those left out is no mistake. */
const everNamed = (given: Given["given"]): ReadonlySet<string> => {
  const names = new Set<string>()
  for (let setting = given.get(keys.topics.key); setting !== undefined; setting = setting.before) {
    for (const name of setting.text.split(",")) names.add(name.trim())
  }
  return names
}

const unknownTopics = ({ tables, topicPattern, topics }: Topics, { given, ofTopics }: Given): Array<ConfigProblem> => {
  if (topics.length === 0 && topicPattern === undefined) return []
  const named = everNamed(given)
  const isKnown = (topic: string) => named.has(topic) || (topicPattern !== undefined && matches(topicPattern, topic))
  return [...tables.byTopic.keys()].filter((topic) => !isKnown(topic)).map((topic) => {
    const [own] = ofTopics.get(topic) ?? []
    const [key, setting] = own ?? [keys.tableMap.key, given.get(keys.tableMap.key)]
    const meant = nearest(topic, named)
    return {
      code: "TRB-1005",
      key: own === undefined ? key : topicKey(topic, key),
      value: undefined,
      source: setting?.source,
      what: `topic ${topic} is not read`,
      expected: meant === undefined
        ? `expected a topic of ${topicPattern === undefined ? keys.topics.key : keys.topicsRegex.key}`
        : `did you mean ${meant}?`
    }
  })
}

const tableNames = (config: Topics, given: Given): ReadonlyArray<ConfigProblem> => {
  if (!given.settled(keys.tableMap)) return []
  const problems: Array<ConfigProblem> = []
  const isSettled = (topic?: string) => given.settled(keys.tableNameFormat, topic)
  const refuse = (topic: string | undefined, what: string, expected: string) => {
    const isMapped = topic !== undefined && settingsOf(config, topic).table !== undefined
    problems.push(refusal(given, topic, { keys: [isMapped ? keys.tableMap : keys.tableNameFormat], what, expected }))
  }
  const meeting = new Map<string, Array<string>>()
  for (const topic of config.topics.filter(isSettled)) {
    const table = tableOf(config, topic)
    const length = table.replaceAll("${record}", "").length
    if (length > 64) {
      refuse(
        topic,
        `the table of topic ${topic} would be called ${table}, which is ${length} characters long`,
        "a name of at most 64 characters, MySQL's limit"
      )
    }
    meeting.set(table.toLowerCase(), [...meeting.get(table.toLowerCase()) ?? [], topic])
  }
  for (const [table, topics] of meeting) {
    const unsaid = topics.filter((topic) => !saysTable(config, given, topic))
    if (topics.length === 1 || unsaid.length === 0) continue
    refuse(
      unsaid[0],
      `topics ${topics.join(", ")} would meet in table ${table}`,
      `a format with \${topic} in it, or, where they are meant to: ${keys.tableMap.key}=` +
        topics.map((topic) => `${topic}:${table}`).join(",")
    )
  }
  if (
    config.topicPattern !== undefined && isSettled() && !config.tables.defaults.tableNameFormat.includes("${topic}")
  ) {
    refuse(undefined, "all topics would meet in one table", "a format with ${topic} in it")
  }
  for (const topic of config.tables.byTopic.keys()) {
    if (settingsOf(config, topic).table === undefined || !given.ofTopics.get(topic)?.has(keys.tableNameFormat.key)) {
      continue
    }
    problems.push(refusal(given, topic, {
      keys: [keys.tableNameFormat],
      what: `${keys.tableMap.key} names the table of topic ${topic} already`,
      expected: "one of the two"
    }))
  }
  return problems
}

/** Whether somebody has said which table this very topic has. */
const saysTable = (config: Topics, { ofTopics }: Given, topic: string): boolean =>
  settingsOf(config, topic).table !== undefined || ofTopics.get(topic)?.has(keys.tableNameFormat.key) === true
