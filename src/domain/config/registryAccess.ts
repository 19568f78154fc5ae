import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { RegistryAccess } from "../RegistryAccess.js"
import { keys } from "./keys.js"
import type { KeyInfo, KeySpec } from "./KeySpec.js"
import type { Reader } from "./reader.js"

/**
 * A given `…credentials.source` demands its secret, a given secret needs no source: Confluent's client passes over the
 * secret without the source, which nobody means.
 */
export const readRegistryAccess = (
  { complain, given, optional, required }: Pick<Reader, "complain" | "given" | "optional" | "required">
): RegistryAccess => {
  optional(keys.registryBasicSource)
  optional(keys.registryBearerSource)
  const demandedBy = <A>(other: KeyInfo, spec: KeySpec<A>) =>
    (given.get(other.key)?.text ?? "") === "" ? optional(spec) : required(spec)
  const userInfo = demandedBy(keys.registryBasicSource, keys.registryBasicUserInfo)
  const token = demandedBy(keys.registryBearerSource, keys.registryBearerToken)
  const certificate = demandedBy(keys.registryKey, keys.registryCertificate)
  const key = demandedBy(keys.registryCertificate, keys.registryKey)
  if (Option.isSome(userInfo) && Option.isSome(token)) {
    complain({
      code: "TRB-1005",
      key: keys.registryBearerToken.key,
      value: undefined,
      source: given.get(keys.registryBearerToken.key)?.source,
      what: `stands beside ${keys.registryBasicUserInfo.key}`,
      expected: "keep one: a request carries one of them"
    })
  }
  return {
    authentication: Option.isSome(userInfo)
      ? { kind: "basic", userInfo: userInfo.value }
      : Option.isSome(token)
      ? { kind: "bearer", token: token.value }
      : { kind: "none" },
    tls: {
      ca: Option.getOrUndefined(optional(keys.registryCa)),
      certificate: Option.getOrUndefined(certificate),
      key: Option.getOrUndefined(Option.map(key, Redacted.make)),
      keyPassword: Option.getOrUndefined(optional(keys.registryKeyPassword)),
      checkHostName: Option.getOrElse(optional(keys.registryHostNameCheck), () => "https") !== ""
    }
  }
}
