import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConfigProblem } from "./ConfigProblem.js"
import { environmentName } from "./keys.js"
import type { KeyInfo, KeySpec } from "./KeySpec.js"
import { type ConfigSources, mergeSources, type Setting, type Settings } from "./settings.js"
import { topicKey } from "./topicKey.js"

export type Read = <A>(spec: KeySpec<A>) => Option.Option<A>

/** Reads keys one by one and remembers everything that is wrong, so that a person sees all of it at once. */
export interface Reader extends Pick<Settings, "given" | "ofTopics"> {
  /** The value, its default, or nothing and a problem. */
  readonly required: Read
  /** The same, but a value that nobody gives is no problem. */
  readonly optional: Read
  /** What is said of a topic alone, else what is said of all. */
  readonly ofTopic: (topic: string) => Read
  /** The value or its default, without a word; nothing where something is wrong with it already. */
  readonly peek: Read
  /** Whether nothing is wrong with a key, of a topic if one is named: else its value is not what anybody has chosen. */
  readonly settled: (key: KeyInfo, topic?: string) => boolean
  readonly complain: (problem: ConfigProblem) => void
  readonly problems: ReadonlyArray<ConfigProblem>
}

export const makeReader = (sources: ConfigSources): Reader => {
  const { given, ofTopics, problems: nameProblems } = mergeSources(sources)
  const problems = Array.from(nameProblems)
  const decode = <A>(spec: KeySpec<A>, key: string, { source, text }: Setting, complain: boolean): Option.Option<A> => {
    if (spec.file && text === "") return Option.none()
    const content = spec.file ? sources.contents?.get(text) : text
    const value = content === undefined ? Option.none() : Schema.decodeOption(spec.schema)(content)
    if (Option.isNone(value) && complain) {
      const what = content === undefined ? "cannot be read" : "not understood"
      const code = content === undefined ? "TRB-1006" : "TRB-1003"
      problems.push({ code, key, value: spec.display(text), source, what, expected: `expected ${spec.expected}` })
    }
    return value
  }
  const read = <A>(spec: KeySpec<A>, complain: boolean): Option.Option<A> => {
    const setting = given.get(spec.key)
    if (setting !== undefined) return decode(spec, spec.key, setting, complain)
    if (spec.fallback === undefined) return Option.none()
    return decode(spec, spec.key, { text: spec.fallback, source: "default" }, complain)
  }
  const settled = ({ key }: KeyInfo, topic?: string): boolean => {
    const name = topic !== undefined && ofTopics.get(topic)?.has(key) === true ? topicKey(topic, key) : key
    return problems.every((problem) => problem.key !== name)
  }
  return {
    given,
    ofTopics,
    optional: (spec) => read(spec, true),
    required: (spec) => {
      if (!given.has(spec.key) && spec.fallback === undefined) problems.push(missing(spec))
      return read(spec, true)
    },
    ofTopic: (topic) => (spec) => {
      const own = ofTopics.get(topic)?.get(spec.key)
      // Whatever is wrong with what is said of all topics is said once, where it is read for all.
      return own === undefined ? read(spec, false) : decode(spec, topicKey(topic, spec.key), own, true)
    },
    peek: (spec) => settled(spec) ? read(spec, false) : Option.none(),
    settled,
    complain: (problem) => void problems.push(problem),
    problems
  }
}

export const missing = (spec: { readonly key: string; readonly expected: string }): ConfigProblem => ({
  code: "TRB-1002",
  key: spec.key,
  value: undefined,
  source: undefined,
  what: "missing",
  expected: `expected ${spec.expected}, in a file (-c), as ${environmentName(spec.key)} or by --set`
})
