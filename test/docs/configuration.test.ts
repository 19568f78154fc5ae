import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { expect } from "vitest"
import { allKeys, environmentName } from "../../src/domain/config/keys.js"
import type { KeyInfo } from "../../src/domain/config/KeySpec.js"

// docs/configuration.md is made from the list of keys: `npm run docs:config` writes it, and this test holds it.

const cell = (text: string): string => text.replaceAll("|", "\\|")
const code = (text: string): string => `\`${text}\``

const fallbackOf = ({ fallback }: KeyInfo): string => fallback === undefined ? "none" : code(fallback)

const meaningOf = ({ aliases, doc, expected, secret }: KeyInfo): string =>
  [
    doc,
    `Value: ${expected}.`,
    ...(aliases.length === 0 ? [] : [`Also understood as ${aliases.map(code).join(", ")}.`]),
    ...(secret ? ["May hold a secret: never shown, and may be given as a file."] : [])
  ].join(" ")

const page = `<!-- dprint-ignore-file -->
<!-- Written by npm run docs:config from src/domain/config/keys.ts. -->

# Configuration

Property files, as Kafka's clients read them. Precedence: flag (\`--set key=value\`, \`--log-format\`, \`--log-level\`),
environment, property files (\`--config\`, several: later ones win), default.

In the environment a key is written in capitals, with \`_\` for \`.\`, behind \`TRIBUTARY_\`:
\`${
  environmentName("mysql.url")
}\` for \`mysql.url\`. Keys that may hold a secret can be given as a file, whose name stands in
the variable with \`_FILE\` at its end: \`${environmentName("mysql.password")}_FILE\`.

What says how records become rows (from \`table.name.format\` to \`fk.wait.ms\`) may be said of one topic alone:
\`table.TOPIC.KEY\`, such as \`table.orders.insert.mode=upsert\`, in a property file or by \`--set\`. The topic's name may
hold dots.

\`tributary config show\` prints every key with the value that takes effect and where it comes from.

| key | default | meaning |
| --- | --- | --- |
${allKeys.map((key) => `| ${code(key.key)} | ${fallbackOf(key)} | ${cell(meaningOf(key))} |`).join("\n")}
`

describe("docs/configuration.md", () => {
  it("says what the list of keys says (npm run docs:config writes it)", async () => {
    await expect(page).toMatchFileSnapshot("../../docs/configuration.md")
  })

  it("is linked from the README, which names no key that does not exist", () => {
    const readme = readFileSync("README.md", "utf8")
    assert.include(readme, "docs/configuration.md")
    const known = new Set(allKeys.flatMap(({ aliases, key }) => [key, ...aliases]))
    const named = [...readme.matchAll(/^([a-z][\w.]+)=/gm)].map(([, key = ""]) => key)
    assert.isNotEmpty(named)
    assert.deepStrictEqual(named.filter((key) => !known.has(key)), [])
  })
})
