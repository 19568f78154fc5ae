import * as Either from "effect/Either"
import type { Config } from "../../domain/Config.js"
import { parseConfig } from "../../domain/config/parse.js"
import { topic } from "./LabWorld.js"

/** What the programs of an experiment are told; the addresses are never used, everything is in memory. */
export const labConfig: Config = Either.getOrThrow(parseConfig({
  files: [],
  environment: {},
  secrets: new Map(),
  overrides: Object.entries({
    "kafka.bootstrap.servers": "memory:9092",
    "kafka.topics": topic,
    "kafka.schema.registry.url": "http://memory:8081",
    "kafka.auto.offset.reset": "earliest",
    "batch.max.rows": "50",
    "mysql.url": "mysql://memory:3306/lab",
    "mysql.username": "lab",
    "mysql.password": "lab"
  }).map(([name, value]) => ({ name, value, source: "lab" }))
}))
