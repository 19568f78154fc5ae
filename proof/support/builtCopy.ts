import { cpSync, mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { mainFile } from "../../test/e2e/support/build.js"

/** A copy of the program as it is compiled now: a long run starts the same one again, whoever compiles another meanwhile. */
export const builtCopy = (folder: string): string => {
  const root = dirname(dirname(mainFile))
  const copy = join(folder, "program")
  mkdirSync(copy)
  for (const part of ["dist", "schemas", "package.json"]) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  return join(copy, "dist/main.js")
}
