import { randomBytes } from "node:crypto"

/** @param {string} name */
export const containerName = (name) => `tributary-${name}-${randomBytes(4).toString("hex")}`

/** @param {number} outside @param {number} inside */
export const dockerPort = (outside, inside) => ["-p", `127.0.0.1:${outside}:${inside}`]
