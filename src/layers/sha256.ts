import { createHash } from "node:crypto"
import type { Digest } from "../domain/sql/masking.js"

export const sha256: Digest = (data) => createHash("sha256").update(data).digest("hex")
