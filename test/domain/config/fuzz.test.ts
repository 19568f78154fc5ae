/**
 * Goal: whatever stands in a property file, the answer is a configuration or what is wrong with it, line by line.
 * Method: texts of any kind, and valid ones changed at random, through the whole way of a file: text, entries, values.
 */
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import { renderProblem } from "../../../src/domain/config/ConfigProblem.js"
import { allKeys, keys } from "../../../src/domain/config/keys.js"
import { effectiveSettings, parseClientConfig, parseConfig } from "../../../src/domain/config/parse.js"
import { type ConfigSources, namedFiles } from "../../../src/domain/config/settings.js"
import { parseProperties } from "../../../src/layers/propertiesFile.js"

const fastCheck = { numRuns: 200 }

/** A line for each key that there is: with its default, or else with a value that suits it. */
const suited: Readonly<Record<string, string>> = {
  [keys.bootstrapServers.key]: "localhost:9092",
  [keys.topics.key]: "orders,payments",
  [keys.registryUrls.key]: "http://localhost:8081",
  [keys.mysqlUrl.key]: "jdbc:mysql://localhost:3306/bank?useSSL=false",
  [keys.mysqlUsername.key]: "consumer",
  [keys.mysqlPassword.key]: "secret"
}
const validLines: ReadonlyArray<string> = [
  ...allKeys.flatMap(({ fallback, key }) => {
    const value = suited[key] ?? fallback
    return value === undefined || value === "" ? [] : [`${key}=${value}`]
  }),
  "table.orders.key.format=string"
]

const sourcesOf = (text: string): ConfigSources => ({
  files: [{ name: "f", entries: parseProperties(text) }],
  environment: {},
  secrets: new Map(),
  overrides: []
})

/** An answer of either kind; what is wrong has words. */
const assertAnswer = (text: string): void => {
  const sources = sourcesOf(text)
  for (const parse of [parseConfig, parseClientConfig]) {
    const wrong = Either.match(parse(sources), { onLeft: (problems) => problems, onRight: () => undefined })
    assert.notStrictEqual(wrong?.length, 0, "refused without a reason")
    assert.isTrue(wrong?.every((problem) => /^TRB-100\d .+: .+; .+/s.test(renderProblem(problem))) ?? true)
  }
  effectiveSettings(sources)
  namedFiles(sources)
}

/** What means something: to the file's format, to a key, to a value's reader, to JavaScript. */
const tokens = fc.constantFrom(
  ..."= : # ! \\ \n \r\n \t \f \0 \ufeff \\u \\u12 \\ud800 , ; . .. - / // ? & @ % %zz ( [ * + { ${ ${topic} ${record} ~ $"
    .split(" "),
  ..."__proto__ constructor table. table.orders. table..x 1e400 NaN Infinity -1 0x10 99999999999999999999 true null"
    .split(" "),
  ..."jdbc: mysql:// libsql: file: http:// [::1]:1 localhost:99999 (?<=a) \u202e \ud83d İ".split(" ")
)
const keyNames = fc.constantFrom(...allKeys.map(({ key }) => key))
const noise = fc.oneof(tokens, tokens, keyNames, fc.string16bits({ maxLength: 12 }))
const noises = fc.array(noise, { maxLength: 4 }).map((parts) => parts.join(""))

describe("any text as a property file", () => {
  it.prop("is a configuration or a list of problems", { parts: fc.array(noise, { maxLength: 60 }) }, ({ parts }) => {
    assertAnswer(parts.join(""))
  }, { fastCheck })
})

describe("a valid property file", () => {
  it("is a configuration as long as nothing is changed", () => {
    assert.isTrue(Either.isRight(parseConfig(sourcesOf(validLines.join("\n")))))
  })

  const change = fc.record({
    line: fc.nat(),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(20),
    text: fc.oneof(fc.constant(""), noise),
    kind: fc.constantFrom("edit", "value", "drop", "twice", "join")
  })
  it.prop(
    "with any value for each key is a configuration or a list of problems",
    { values: fc.array(noises, { minLength: allKeys.length, maxLength: allKeys.length }) },
    ({ values }) => assertAnswer(allKeys.map(({ key }, index) => `${key}=${values[index]}`).join("\n")),
    { fastCheck }
  )

  it.prop(
    "with changes is a configuration or a list of problems",
    { changes: fc.array(change, { minLength: 1, maxLength: 8 }) },
    ({ changes }) => {
      const lines = [...validLines]
      for (const { at, cut, kind, line, text } of changes) {
        const index = line % lines.length
        const old = lines[index] ?? ""
        const place = Math.floor(at * old.length)
        if (kind === "edit") lines[index] = old.slice(0, place) + text + old.slice(place + cut)
        else if (kind === "value") lines[index] = `${old.slice(0, old.indexOf("=") + 1)}${text}`
        else if (kind === "drop" && lines.length > 1) lines.splice(index, 1)
        else if (kind === "twice") lines.push(old)
        else lines[index] = `${old}\\`
      }
      assertAnswer(lines.join("\n"))
    },
    { fastCheck }
  )
})

// Each is done in a moment, because its cost grows with its length; at the square of that it would be hours.
describe("a property file of a megabyte", () => {
  const long = 1_000_000
  const texts: ReadonlyArray<readonly [what: string, text: string]> = [
    ["one key", "k".repeat(long)],
    ["of back-slashes", "\\".repeat(long)],
    ["of continued lines", "a=b\\\n".repeat(long / 5)],
    ["of comments", "#\n".repeat(long / 2)],
    ["of one key that stands again and again", "linger.ms=5\n".repeat(long / 12)],
    ...validLines.map((line) => {
      const key = line.slice(0, line.indexOf("="))
      return [`${key} with a long value`, `${key}=${"1,a.${:/@?&=[(".repeat(long / 14)}`] as const
    })
  ]
  for (const [what, text] of texts) it(what, () => assertAnswer(text))
})
