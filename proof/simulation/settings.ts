import * as Either from "effect/Either"
import type { Config } from "../../src/domain/Config.js"
import { parseConfig } from "../../src/domain/config/parse.js"
import type { Plan } from "./Plan.js"

const fixed = {
  "kafka.bootstrap.servers": "localhost:9092",
  "kafka.schema.registry.url": "http://registry.sim",
  "mysql.url": "mysql://localhost:3306/bank",
  "mysql.username": "consumer",
  "mysql.password": "secret"
}

const parsed = (settings: Readonly<Record<string, string>>): Config =>
  Either.getOrThrowWith(
    parseConfig({
      files: [],
      environment: {},
      secrets: new Map(),
      overrides: Object.entries(settings).map(([name, value]) => ({ name, value, source: "plan" }))
    }),
    (problems) => new Error(problems.map(({ key, what }) => `${key}: ${what}`).join("\n"))
  )

/** By their text: many plans have the same settings, and parsing takes longer than some runs. */
const known = new Map<string, Config>()
const ofPlan = new WeakMap<Plan, Config>()

export const configOf = (plan: Plan): Config => {
  const found = ofPlan.get(plan)
  if (found !== undefined) return found
  const config = configBy(plan)
  ofPlan.set(plan, config)
  return config
}

const configBy = ({ settings, topics }: Plan): Config => {
  const all = { ...fixed, ...settings, "kafka.topics": topics.map(({ name }) => name).join(",") }
  const key = JSON.stringify(all)
  const config = known.get(key) ?? parsed(all)
  known.set(key, config)
  return config
}
