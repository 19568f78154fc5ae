import { assert, describe, it } from "@effect/vitest"
import { cruise, type IForbiddenRuleType } from "dependency-cruiser"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const severity = "error" as const
/** A library that only one folder may know, so that it can be replaced there. */
const only = (name: string, library: string, folder: string): IForbiddenRuleType => ({
  name,
  severity,
  from: { pathNot: folder },
  to: { path: `node_modules/${library}/` }
})

const forbidden: Array<IForbiddenRuleType> = [
  {
    name: "the domain is pure",
    severity,
    from: { path: "^src/domain" },
    to: { pathNot: "^src/domain|node_modules/(effect|fast-check)/" }
  },
  {
    name: "layers do not compose",
    severity,
    from: { path: "^src/layers/" },
    to: { path: "^src/(programs/|main|index)" }
  },
  {
    name: "programs do not know the edge",
    severity,
    from: { path: "^src/programs/" },
    to: { path: "^src/(main|index)" }
  },
  { name: "no cycles", severity, from: {}, to: { circular: true } },
  { name: "nothing is missing", severity, from: {}, to: { couldNotResolve: true } },
  {
    name: "what is shipped needs no development dependency",
    severity,
    from: { path: "^src/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg"], dependencyTypesNot: ["type-only"] }
  },
  only("kafkajs stays in its folder", "kafkajs", "^src/layers/kafka/"),
  only("mysql2 stays in its folder", "(mysql2|@effect/sql-mysql2)", "^src/layers/mysql/"),
  only("libsql stays in its folder", "(@libsql|libsql|@effect/sql-libsql)", "^src/layers/embedded/"),
  only("avsc stays in its folder", "avsc", "^src/layers/avro/"),
  only("the command line library stays in its files", "@effect/cli", "^src/programs/(cli|commands)")
]

const violations = async (baseDir: string) => {
  const { output } = await cruise(["src"], {
    baseDir,
    validate: true,
    ruleSet: { forbidden },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" }
  })
  if (typeof output === "string") return assert.fail(output)
  return {
    cruised: output.summary.totalCruised,
    found: output.summary.violations.map(({ from, rule, to }) => `${rule.name}: ${from} -> ${to}`)
  }
}

describe("the rooms of src", () => {
  it("imports point one way, and each driver is known in one folder", async () => {
    const { cruised, found } = await violations(process.cwd())
    assert.isAbove(cruised, 50)
    assert.deepStrictEqual(found, [])
  }, 60_000)

  it("the check sees what it forbids", async () => {
    const dir = mkdtempSync(join(tmpdir(), "tributary-architecture-"))
    const files = {
      "src/domain/a.ts": `import * as fs from "node:fs"\nexport const a = fs`,
      "src/domain/b.ts": `import { c } from "../layers/c.js"\nexport const b = c`,
      "src/layers/c.ts":
        `import { d } from "../programs/d.js"\nimport kafkajs from "kafkajs"\nexport const c = [d, kafkajs]`,
      "src/programs/d.ts": `import type { Kafka } from "kafkajs"\nexport const d: Kafka | undefined = undefined`,
      "src/programs/e.ts": `import { f } from "./f.js"\nexport const e = () => f`,
      "src/programs/f.ts": `import { e } from "./e.js"\nexport const f = () => e`,
      "package.json": `{ "dependencies": { "kafkajs": "*" } }`
    }
    try {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, name)), { recursive: true })
        writeFileSync(join(dir, name), text)
      }
      symlinkSync(join(process.cwd(), "node_modules"), join(dir, "node_modules"))
      const { found } = await violations(dir)
      assert.deepStrictEqual(found.map((one) => one.replace(/ -> .*kafkajs.*/, " -> kafkajs")).toSorted(), [
        "kafkajs stays in its folder: src/layers/c.ts -> kafkajs",
        "kafkajs stays in its folder: src/programs/d.ts -> kafkajs",
        "layers do not compose: src/layers/c.ts -> src/programs/d.ts",
        "no cycles: src/programs/e.ts -> src/programs/f.ts",
        "the domain is pure: src/domain/a.ts -> fs",
        "the domain is pure: src/domain/b.ts -> src/layers/c.ts"
      ])
    } finally {
      rmSync(dir, { recursive: true })
    }
  }, 60_000)
})
