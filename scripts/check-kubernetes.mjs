// Checks Kubernetes manifests without a cluster and without a network: every document against the model of its
// apiVersion and kind, by the validators of kubernetes-models and @kubernetes-models/keda (formats, bounds, choices) and
// by TypeScript against their types (what is required, and no field that the model does not know, as `kubectl apply`
// refuses it). Then what no schema can say: that the documents fit one another.
//
//   node scripts/check-kubernetes.mjs FILE…    exit 1 where something is wrong, 64 without a file
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { parseAllDocuments } from "yaml"

/** @typedef {{ file: string, data: any, from: string }} Manifest */

const root = fileURLToPath(new URL("..", import.meta.url))

/** Where the model of a document lies. @param {{ apiVersion?: string, kind?: string }} data */
const modelOf = ({ apiVersion = "", kind = "" }) => {
  const own = apiVersion.startsWith("keda.sh/") ? "@kubernetes-models/keda" : "kubernetes-models"
  return `${own}/${apiVersion}/${kind}`
}

/** @param {string} file @returns {{ manifests: Manifest[], problems: string[] }} */
const read = (file) => {
  const documents = parseAllDocuments(readFileSync(file, "utf8"))
  return {
    problems: documents.flatMap(({ errors, warnings }) =>
      [...errors, ...warnings].map(({ message }) => `${file}: ${message}`)
    ),
    manifests: documents.map((document) => document.toJS()).filter((data) => data !== null)
      .map((data) => ({ file, data, from: modelOf(data) }))
  }
}

/** @param {Manifest} manifest */
const nameOf = ({ data, file }) => `${file}: ${data.kind} ${data.metadata?.name}`

/** By the validators. @param {Manifest} manifest @returns {Promise<string[]>} */
const invalid = async (manifest) => {
  let models
  try {
    models = await import(manifest.from)
  } catch {
    return [`${nameOf(manifest)}: there is no ${manifest.data.kind} in ${manifest.data.apiVersion}`]
  }
  try {
    new models[manifest.data.kind](manifest.data).validate()
    return []
  } catch (error) {
    return [`${nameOf(manifest)}: ${error.message}`]
  }
}

/** By their types: a field that does not exist, misspelt or in the wrong place. @param {Manifest[]} manifests */
const mistyped = (manifests) => {
  const file = join(root, "scripts/manifests.ts") // exists in memory only
  const text = manifests.map(({ data, from }, index) =>
    `import type { I${data.kind} as T${index} } from "${from}"; export const d${index}: T${index} = ${
      JSON.stringify(data)
    }`
  ).join("\n")
  const options = {
    ...ts.getDefaultCompilerOptions(),
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext
  }
  const disk = ts.createCompilerHost(options)
  const host = {
    ...disk,
    readFile: (name) => name === file ? text : disk.readFile(name),
    fileExists: (name) => name === file || disk.fileExists(name),
    getSourceFile: (name, ...rest) =>
      name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : disk.getSourceFile(name, ...rest)
  }
  const program = ts.createProgram([file], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file: source, messageText, start = 0 }) => {
    const line = source?.getLineAndCharacterOfPosition(start).line ?? 0
    const manifest = manifests[line]
    const said = ts.flattenDiagnosticMessageText(messageText, " ")
    return `${manifest === undefined ? file : nameOf(manifest)}: ${said}`
  })
}

/** What refers to what. @param {Manifest[]} manifests */
const unfitting = (manifests) => {
  const named = (kind, name) => manifests.some(({ data }) => data.kind === kind && data.metadata.name === name)
  const problems = []
  for (const manifest of manifests) {
    const { data: { kind, spec } } = manifest
    const say = (text) => problems.push(`${nameOf(manifest)}: ${text}`)
    if (kind === "PodDisruptionBudget") {
      const labels = JSON.stringify(spec.selector.matchLabels)
      if (!manifests.some(({ data }) => JSON.stringify(data.spec?.template?.metadata?.labels) === labels)) {
        say(`no pods have the labels ${labels}`)
      }
    }
    if (kind === "ScaledObject" && !named(spec.scaleTargetRef.kind ?? "Deployment", spec.scaleTargetRef.name)) {
      say(`there is no ${spec.scaleTargetRef.kind ?? "Deployment"} ${spec.scaleTargetRef.name}`)
    }
    if (kind !== "Deployment") continue
    const labels = Object.entries(spec.selector.matchLabels)
    if (labels.some(([key, value]) => spec.template.metadata.labels[key] !== value)) {
      say("its selector is not its pods'")
    }
    const { containers, volumes = [] } = spec.template.spec
    for (const { configMap, name, secret } of volumes) {
      if (configMap !== undefined && !named("ConfigMap", configMap.name)) say(`volume ${name}: no such ConfigMap`)
      if (secret !== undefined && !named("Secret", secret.secretName)) say(`volume ${name}: no such Secret`)
    }
    for (const { name } of containers.flatMap(({ volumeMounts = [] }) => volumeMounts)) {
      if (!volumes.some((volume) => volume.name === name)) say(`there is no volume ${name}`)
    }
  }
  return problems
}

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error("usage: node scripts/check-kubernetes.mjs FILE…")
  process.exitCode = 64
} else {
  const all = files.map(read)
  const manifests = all.flatMap((one) => one.manifests)
  const invalids = (await Promise.all(manifests.map(invalid))).flat()
  const problems = [...all.flatMap((one) => one.problems), ...invalids]
  // What is not even of a known kind has no type, and what is not valid may lack what the rest relies on.
  if (problems.length === 0) problems.push(...mistyped(manifests))
  if (problems.length === 0) problems.push(...unfitting(manifests))
  problems.forEach((problem) => console.error(problem))
  process.exitCode = problems.length === 0 ? 0 : 1
}
