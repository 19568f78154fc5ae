import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parse as parseProperties } from "dot-properties"
import { Schema } from "effect"
import { parseAllDocuments } from "yaml"

const shipped = ["tributary.yaml", "keda.yaml"].map((name) => readFileSync(join("deploy/kubernetes", name), "utf8"))
  .join("\n---\n")

type Change = readonly [from: string, to: string]

/** What the check says of the shipped manifests with something changed. */
const checked = async (changes: ReadonlyArray<Change>): Promise<{ readonly code: number; readonly said: string }> => {
  const text = changes.reduce((before, [from, to]) => {
    assert.include(before, from)
    return before.replace(from, to)
  }, shipped)
  const folder = mkdtempSync(join(tmpdir(), "tributary-manifests-"))
  try {
    const file = join(folder, "changed.yaml")
    writeFileSync(file, text)
    return await new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        ["scripts/check-kubernetes.mjs", file],
        (_error, _out, said) => resolve({ code: child.exitCode ?? -1, said })
      )
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const target = "  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: tributary"

/** One process for all that the same part of the check must refuse: each starts a compiler. */
const refusals: ReadonlyArray<readonly [what: string, changes: ReadonlyArray<Change>, says: ReadonlyArray<RegExp>]> = [
  [
    "a value of the wrong type, a kind that does not exist",
    [["replicas: 2", "replicas: two"], ["kind: PodDisruptionBudget", "kind: PodDisruption"]],
    [/Deployment tributary: .*replicas must be integer/, /no PodDisruption in policy/]
  ],
  [
    "a field that does not exist, a misspelt one of a probe",
    [["maxReplicaCount:", "maxReplicas:"], ["failureThreshold: 4", "failureTreshold: 4"]],
    [/ScaledObject tributary: .*maxReplicas/, /Deployment tributary: .*failureTres/]
  ],
  [
    "a target that is not there",
    [[target, "  scaleTargetRef:\n    name: tribute"]],
    [/there is no Deployment tribute\n/]
  ]
]

describe("the check of the Kubernetes manifests (npm run check:deploy)", () => {
  it.each(refusals)("refuses %s", async (_, changes, says) => {
    const { code, said } = await checked(changes)
    for (const pattern of says) assert.match(said, pattern)
    assert.strictEqual(code, 1)
  })
})

const Mapping = Schema.Struct({
  kind: Schema.String,
  data: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
})
const Pods = Schema.Struct({
  spec: Schema.Struct({
    template: Schema.Struct({ spec: Schema.Struct({ terminationGracePeriodSeconds: Schema.Number }) })
  })
})

describe("the Kubernetes manifests", () => {
  it("leave a pod more time than its drain may take", () => {
    const documents = parseAllDocuments(shipped).map((document): unknown => document.toJS())
    const kinds = documents.filter(Schema.is(Mapping))
    const config = kinds.find(({ kind }) => kind === "ConfigMap")?.data?.["consumer.properties"] ?? ""
    const drainMs = Number(parseProperties(config)["shutdown.timeout.ms"])
    const [pods] = documents.filter(Schema.is(Pods))
    assert.isAbove(drainMs, 0)
    assert.isAbove((pods?.spec.template.spec.terminationGracePeriodSeconds ?? 0) * 1000, drainMs)
  })
})
