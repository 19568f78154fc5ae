import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createServer } from "node:https"
import { TLSSocket } from "node:tls"
import { noRegistryAccess, type RegistryTls } from "../../../src/domain/RegistryAccess.js"
import type { RegistryError } from "../../../src/layers/SchemaRegistry.js"
import { makeAuthority, makeCertificate } from "../../support/certificates.js"
import { answer, connectWith, listening, serve } from "./registryServer.js"

const schema = "\"string\""
const authority = makeAuthority("tributary-test-ca")
const client = makeCertificate(authority, "tributary-client")
const { tls: none } = noRegistryAccess
const trusting: RegistryTls = {
  ...none,
  ca: authority.certificate,
  certificate: client.certificate,
  key: Redacted.make(client.key)
}

/** A registry that wants to see a certificate of the authority, and tells whose it saw. */
const serveTls = (name: string) =>
  Effect.gen(function*() {
    const seen: Array<string> = []
    const own = makeCertificate(authority, name)
    const options = { key: own.key, cert: own.certificate, ca: authority.certificate, requestCert: true }
    const server = createServer({ ...options, rejectUnauthorized: true }, (request, response) => {
      if (request.socket instanceof TLSSocket) seen.push(String(request.socket.getPeerCertificate().subject.CN))
      answer(response, 200, { schema })
    })
    const port = yield* listening(server)
    return { url: `https://127.0.0.1:${port}`, seen }
  })

const connectTls = (tls: RegistryTls, ...urls: ReadonlyArray<string>) => connectWith({ ...noRegistryAccess, urls, tls })

describe("a registry behind TLS", () => {
  it.scopedLive("is believed where the authority is given, and sees this client's certificate", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* serveTls("127.0.0.1")
      const registry = yield* connectTls(trusting, url)
      assert.strictEqual((yield* registry.byId(1)).schema, schema)
      assert.deepStrictEqual(seen, ["tributary-client"])
    }))

  const refused: ReadonlyArray<readonly [title: string, host: string, tls: RegistryTls]> = [
    ["an authority that nobody vouches for", "127.0.0.1", none],
    ["a certificate of another host", "other.example", trusting],
    ["a key that belongs to another certificate", "127.0.0.1", {
      ...trusting,
      key: Redacted.make(makeCertificate(authority, "another").key)
    }],
    ["what is no key", "127.0.0.1", { ...trusting, key: Redacted.make("-----BEGIN PRIVATE KEY-----\nsentinel") }]
  ]
  for (const [title, host, tls] of refused) {
    it.scopedLive(`${title}: refused with a cure, and no record is to blame`, () =>
      Effect.gen(function*() {
        const { seen, url } = yield* serveTls(host)
        const registry = yield* connectTls(tls, url)
        const asks: ReadonlyArray<Effect.Effect<unknown, RegistryError>> = [
          registry.byId(1),
          registry.byGuid("g"),
          registry.latest("s"),
          registry.register("s", schema)
        ]
        for (const ask of asks) {
          const error = yield* Effect.flip(ask)
          assert(error._tag === "RegistryRefused", error.message)
          assert.strictEqual(error.kind, "access")
          assert.include(error.message, url)
          assert.notInclude(error.message, "sentinel")
          assert.include(error.cure, "kafka.schema.registry.ssl.ca.location")
        }
        assert.deepStrictEqual(seen, [])
      }))
  }

  it.scopedLive("a server that hangs up on who shows no certificate counts as none", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* serveTls("127.0.0.1")
      const registry = yield* connectTls({ ...none, ca: authority.certificate }, url)
      assert.strictEqual((yield* Effect.flip(registry.byId(1)))._tag, "RegistryUnavailable")
      assert.deepStrictEqual(seen, [])
    }))

  it.scopedLive("a certificate of another host will do where names are not checked", () =>
    Effect.gen(function*() {
      const { url } = yield* serveTls("other.example")
      const registry = yield* connectTls({ ...trusting, checkHostName: false }, url)
      assert.strictEqual((yield* registry.byId(1)).schema, schema)
    }))

  it.scopedLive("an address that is not trusted does not stand in the way of the next one", () =>
    Effect.gen(function*() {
      const distrusted = yield* serveTls("other.example")
      const sound = yield* serve((_, response) => answer(response, 200, { schema }))
      const registry = yield* connectTls(trusting, distrusted.url, sound.url)
      assert.strictEqual((yield* registry.byId(1)).schema, schema)
      assert.deepStrictEqual(distrusted.seen, [])
    }))
})
