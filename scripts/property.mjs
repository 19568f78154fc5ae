// The property test of the mapping on real servers, for as many random schemas as there is time for.
//   npm run property [-- --schemas 2000 --seed 42]
// A seed brings back the schemas and values of the run that printed it.
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { parseArgs } from "node:util"

const { values: options } = parseArgs({
  options: {
    schemas: { type: "string", default: "2000" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) }
  }
})
for (const [name, value] of Object.entries(options)) {
  if (!/^\d{1,9}$|^[12]\d{9}$/.test(value)) throw new Error(`--${name} takes a whole number`)
}
console.log(`${options.schemas} schemas, seed ${options.seed}`)

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const child = spawn(
  process.execPath,
  [vitest, "run", "--project", "integration", "test/integration/property.test.ts"],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      TRIBUTARY_TEST_PROPERTY_SCHEMAS: options.schemas,
      TRIBUTARY_TEST_PROPERTY_SEED: options.seed
    }
  }
)
child.on("close", (code) => process.exitCode = code ?? 1)
