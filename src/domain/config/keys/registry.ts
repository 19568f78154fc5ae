import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { choice, key, type Kind, text } from "../KeySpec.js"

const secret = (pattern: RegExp, expected: string): Kind<Redacted.Redacted> => ({
  schema: Schema.Redacted(Schema.String.pipe(Schema.pattern(pattern))),
  expected,
  secret: true,
  display: () => "<redacted>"
})

/** What the file holds must at least look like it: whoever swaps two files is told so at the start. */
const pemFile = (label: RegExp, expected: string): Kind<string> => ({
  ...text(new RegExp(`-----BEGIN ${label.source}-----`), `a file in PEM format with ${expected}`),
  file: true
})

/** How the schema registry is asked. Confluent's names, beneath the prefix of its URL. */
export const registryKeys = {
  registryBasicSource: key(
    "kafka.schema.registry.basic.auth.credentials.source",
    { ...choice("user_info"), expected: "USER_INFO: the URL, which logs show, must not hold a password" },
    {
      aliases: ["schema.registry.basic.auth.credentials.source", "basic.auth.credentials.source"],
      doc: "Understood so that a client's file can be used as it is. Only USER_INFO is possible, and need not be said."
    }
  ),
  registryBasicUserInfo: key(
    "kafka.schema.registry.basic.auth.user.info",
    secret(/^[^:\p{Cc}]+:[^\p{Cc}]*$/u, "user:password"),
    {
      aliases: ["schema.registry.basic.auth.user.info", "basic.auth.user.info"],
      doc: "User and password for the registry (HTTP basic authentication), or an API key and its secret. Only over " +
        "https is it hidden from the network."
    }
  ),
  registryBearerSource: key(
    "kafka.schema.registry.bearer.auth.credentials.source",
    { ...choice("static_token"), expected: "STATIC_TOKEN: tokens are not fetched from elsewhere" },
    {
      aliases: ["schema.registry.bearer.auth.credentials.source", "bearer.auth.credentials.source"],
      doc:
        "Understood so that a client's file can be used as it is. Only STATIC_TOKEN is possible, and need not be said."
    }
  ),
  registryBearerToken: key(
    "kafka.schema.registry.bearer.auth.token",
    secret(/^[\x21-\x7e]+$/, "a token of ASCII characters without blanks"),
    {
      aliases: ["schema.registry.bearer.auth.token", "bearer.auth.token"],
      doc: "Token for the registry, instead of user and password."
    }
  ),
  registryCa: key("kafka.schema.registry.ssl.ca.location", pemFile(/(?:TRUSTED )?CERTIFICATE/, "certificates"), {
    aliases: ["schema.registry.ssl.ca.location"],
    doc: "Authorities that may vouch for the registry, instead of those that the runtime knows."
  }),
  registryCertificate: key("kafka.schema.registry.ssl.certificate.location", pemFile(/CERTIFICATE/, "certificates"), {
    aliases: ["schema.registry.ssl.certificate.location"],
    doc: "Certificate that this client shows to the registry, the authorities between it and the root included."
  }),
  registryKey: key("kafka.schema.registry.ssl.key.location", pemFile(/(?:[A-Z]+ )?PRIVATE KEY/, "a private key"), {
    aliases: ["schema.registry.ssl.key.location"],
    doc: "Private key of that certificate."
  }),
  registryKeyPassword: key("kafka.schema.registry.ssl.key.password", secret(/^[^]+$/, "text"), {
    aliases: ["schema.registry.ssl.key.password"],
    doc: "Password of that private key, where it is encrypted."
  }),
  registryHostNameCheck: key(
    "kafka.schema.registry.ssl.endpoint.identification.algorithm",
    text(/^(?:https|)$/i, "https, or nothing"),
    {
      fallback: "https",
      aliases: ["schema.registry.ssl.endpoint.identification.algorithm"],
      doc:
        "Whether the registry's certificate must be for the host name in the URL. Nothing: any name will do, which " +
        "leaves the authorities as the only check. An environment variable cannot say nothing; a file and --set can."
    }
  )
} as const
