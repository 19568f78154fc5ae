import { Agent } from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createSecureContext } from "node:tls"
import type { RegistryTls } from "../../domain/RegistryAccess.js"
import { RegistryRefused } from "../SchemaRegistry.js"

/** Connections to a registry, closed with the scope. Refused where certificate and key are of no use. */
export const registryAgent = (registry: string, tls: RegistryTls) =>
  Effect.gen(function*() {
    const connect = {
      ...tls.ca === undefined ? {} : { ca: tls.ca },
      ...tls.certificate === undefined ? {} : { cert: tls.certificate },
      ...tls.key === undefined ? {} : { key: Redacted.value(tls.key) },
      ...tls.keyPassword === undefined ? {} : { passphrase: Redacted.value(tls.keyPassword) },
      ...tls.checkHostName ? {} : { checkServerIdentity: () => undefined }
    }
    // Otherwise the first request would say it, as if nobody answered.
    yield* Effect.try({
      try: () => createSecureContext(connect),
      catch: (cause) =>
        new RegistryRefused({
          registry,
          kind: "access",
          what: `its certificate, key or authorities cannot be used: ${reason(cause)}`
        })
    })
    return yield* Effect.acquireRelease(
      Effect.sync(() => new Agent({ connect })),
      (agent) => Effect.promise(() => agent.destroy())
    )
  })

const reason = (cause: unknown): string => cause instanceof Error ? cause.message : "unknown"

const decodeCode = Schema.decodeUnknownEither(Schema.Struct({ code: Schema.String }))
/** What Node.js calls a certificate that it does not trust, and OpenSSL a partner with whom it finds no common ground. */
const untrusting =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(?:VERIFY|GET_ISSUER)|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE))/

/** Whether the two ends of TLS have met and do not trust each other: no waiting changes that. */
export const isDistrust = (cause: unknown): boolean =>
  Either.match(decodeCode(cause), {
    onLeft: () => Predicate.hasProperty(cause, "cause") && isDistrust(cause.cause),
    onRight: ({ code }) => untrusting.test(code)
  })
