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

/** What the check says of the shipped manifests with one thing changed. */
const checked = async (
  from: string | RegExp,
  to: string
): Promise<{ readonly code: number; readonly said: string }> => {
  const text = shipped.replace(from, to)
  assert.notStrictEqual(text, shipped, `nothing is like ${from}`)
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

describe("the check of the Kubernetes manifests (npm run check:deploy)", () => {
  for (
    const [what, from, to, says] of [
      ["a value of the wrong type", "replicas: 2", "replicas: two", /Deployment tributary: .*replicas must be integer/],
      ["a kind that does not exist", "kind: PodDisruptionBudget", "kind: PodDisruption", /no PodDisruption in policy/],
      ["a field that does not exist", "maxReplicaCount:", "maxReplicas:", /ScaledObject tributary: .*maxReplicas/],
      [
        "a misspelt field of a probe",
        "failureThreshold: 4",
        "failureTreshold: 4",
        /Deployment tributary: .*failureTres/
      ],
      [
        "a target that is not there",
        "  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: tributary",
        "  scaleTargetRef:\n    name: tribute",
        /there is no Deployment tribute\n/
      ]
    ] as const
  ) {
    it(`refuses ${what}`, async () => {
      const { code, said } = await checked(from, to)
      assert.match(said, says)
      assert.strictEqual(code, 1)
    })
  }
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
