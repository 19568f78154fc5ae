import * as Redacted from "effect/Redacted"
import type { RegistryAccess } from "../../domain/RegistryAccess.js"

/** The header that says who asks, and how to take it out of what a server says about the request. */
export const authorization = (
  authentication: RegistryAccess["authentication"]
): { readonly header: Readonly<Record<string, string>>; readonly withoutSecrets: (text: string) => string } => {
  switch (authentication.kind) {
    case "none":
      return { header: {}, withoutSecrets: (text) => text }
    case "basic": {
      const userInfo = Redacted.value(authentication.userInfo)
      const encoded = Buffer.from(userInfo, "utf8").toString("base64")
      const password = userInfo.slice(userInfo.indexOf(":") + 1)
      return { header: { authorization: `Basic ${encoded}` }, withoutSecrets: hide([encoded, password]) }
    }
    case "bearer": {
      const token = Redacted.value(authentication.token)
      return { header: { authorization: `Bearer ${token}` }, withoutSecrets: hide([token]) }
    }
  }
}

const hide = (secrets: ReadonlyArray<string>) => (text: string): string =>
  secrets.reduce((shown, secret) => secret === "" ? shown : shown.replaceAll(secret, "<redacted>"), text)
