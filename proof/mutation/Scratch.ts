import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { applyEdits, type Edit } from "./Mutation.js"

/** A copy of the tree, in which mechanisms are removed one at a time; the tree itself is never touched. */
export interface Scratch {
  readonly folder: string
  /** Runs `body` on the mutated copy, and takes the edits back whatever comes of it. */
  readonly mutated: <A>(edits: ReadonlyArray<Edit>, body: () => Promise<A>) => Promise<A>
  readonly remove: () => void
}

/** What the catchers need. Installed packages are shared: nothing here changes them. */
export const parts = [
  "src",
  "proof",
  "test",
  "scripts",
  "schemas",
  "docs",
  "deploy",
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "vitest.config.ts",
  "consumer.properties",
  "README.md"
]

export const makeScratch = (root: string): Scratch => {
  const folder = mkdtempSync(join(tmpdir(), "tributary-mutation-"))
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(resolve(root, "node_modules"), join(folder, "node_modules"))
  const read = (file: string) => readFileSync(join(folder, file), "utf8")
  return {
    folder,
    mutated: async (edits, body) => {
      const changed = applyEdits(read, edits)
      const before = [...changed.keys()].map((file) => [file, read(file)] as const)
      try {
        for (const [file, text] of changed) writeFileSync(join(folder, file), text)
        return await body()
      } finally {
        for (const [file, text] of before) writeFileSync(join(folder, file), text)
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
