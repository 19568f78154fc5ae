import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted } from "effect"
import { inspect } from "node:util"
import { renderProblem } from "../../../src/domain/config/ConfigProblem.js"
import { effectiveSettings, parseClientConfig } from "../../../src/domain/config/parse.js"
import { noRegistryAccess, type RegistryAccess } from "../../../src/domain/RegistryAccess.js"
import { makeAuthority } from "../../support/certificates.js"

const { certificate, key } = makeAuthority("config")
const contents = new Map([["ca.pem", certificate], ["client.pem", certificate], ["client.key", key], [
  "x.pem",
  "nothing"
]])
const prefix = "kafka.schema.registry."

const sourcesOf = (registry: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) => ({
  files: [],
  environment,
  secrets: new Map([["/run/secret", "me:from-a-file\n"]]),
  contents,
  overrides: Object.entries({
    "kafka.bootstrap.servers": "h:9092",
    "kafka.schema.registry.url": "https://h:8081",
    ...registry
  }).map(([name, value]) => ({ name, value, source: "--set" }))
})
const parsed = (...args: Parameters<typeof sourcesOf>) => parseClientConfig(sourcesOf(...args))
const accessOf = (...args: Parameters<typeof sourcesOf>): RegistryAccess =>
  Either.getOrThrowWith(parsed(...args), (problems) => new Error(problems.map(renderProblem).join("\n"))).registryAccess
const problemsOf = (...args: Parameters<typeof sourcesOf>) =>
  Either.match(parsed(...args), { onLeft: (problems) => problems.map(renderProblem), onRight: () => [] })

const shown = ({ authentication }: RegistryAccess) =>
  authentication.kind === "basic"
    ? Redacted.value(authentication.userInfo)
    : authentication.kind === "bearer"
    ? Redacted.value(authentication.token)
    : authentication.kind

describe("access to the registry", () => {
  it("is none unless something is said", () => assert.deepStrictEqual(accessOf({}), noRegistryAccess))

  it("is by user and password, or by a token, in all spellings and from a file", () => {
    for (const start of [prefix, "schema.registry.", ""]) {
      assert.strictEqual(shown(accessOf({ [`${start}basic.auth.user.info`]: "me:pass:word" })), "me:pass:word")
      assert.strictEqual(shown(accessOf({ [`${start}bearer.auth.token`]: "abc.def" })), "abc.def")
    }
    const confluent = { "basic.auth.credentials.source": "USER_INFO", "basic.auth.user.info": "me:p" }
    assert.strictEqual(shown(accessOf(confluent)), "me:p")
    const file = { TRIBUTARY_KAFKA_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO_FILE: "/run/secret" }
    assert.strictEqual(shown(accessOf({}, file)), "me:from-a-file")
  })

  it("is said wholly, or the missing half is named", () => {
    const basic = `${prefix}basic.auth.`
    assert.include(
      problemsOf({ [`${basic}credentials.source`]: "USER_INFO" }).join(),
      `${basic}user.info: missing`
    )
    assert.include(problemsOf({ [`${basic}credentials.source`]: "URL" }).join(), "must not hold a password")
    assert.include(
      problemsOf({ [`${prefix}bearer.auth.credentials.source`]: "OAUTHBEARER" }).join(),
      "expected STATIC_TOKEN"
    )
    assert.include(
      problemsOf({ [`${prefix}ssl.certificate.location`]: "client.pem" }).join(),
      "ssl.key.location: missing"
    )
    assert.include(
      problemsOf({ [`${prefix}ssl.key.location`]: "client.key" }).join(),
      "ssl.certificate.location: missing"
    )
    const both = problemsOf({ [`${basic}user.info`]: "me:p", [`${prefix}bearer.auth.token`]: "t" })
    assert.include(both.join(), "keep one: a request carries one of them")
  })

  it("has the texts of the files that are named", () => {
    const { tls } = accessOf({
      [`${prefix}ssl.ca.location`]: "ca.pem",
      [`${prefix}ssl.certificate.location`]: "client.pem",
      [`${prefix}ssl.key.location`]: "client.key",
      [`${prefix}ssl.key.password`]: "open",
      [`${prefix}ssl.endpoint.identification.algorithm`]: ""
    })
    assert.deepInclude(tls, { ca: certificate, certificate, checkHostName: false })
    assert.strictEqual(tls.key === undefined ? "" : Redacted.value(tls.key), key)
    assert.strictEqual(tls.keyPassword === undefined ? "" : Redacted.value(tls.keyPassword), "open")
    assert.include(problemsOf({ [`${prefix}ssl.ca.location`]: "x.pem" }).join(), "PEM format with certificates")
    assert.include(problemsOf({ [`${prefix}ssl.ca.location`]: "no.pem" }).join(), "cannot be read")
    const swapped = { [`${prefix}ssl.certificate.location`]: "client.key", [`${prefix}ssl.key.location`]: "client.pem" }
    assert.lengthOf(problemsOf(swapped), 2)
  })

  it("is shown to nobody, right or wrong", () => {
    const secrets = {
      [`${prefix}basic.auth.user.info`]: "sentinel",
      [`${prefix}bearer.auth.token`]: "sentinel token",
      [`${prefix}ssl.key.password`]: "sentinel"
    }
    assert.lengthOf(problemsOf(secrets), 2)
    const everything = [
      problemsOf(secrets),
      effectiveSettings(sourcesOf(secrets)),
      accessOf({ "basic.auth.user.info": "me:sentinel" })
    ]
    assert.notInclude(inspect(everything, { depth: 10, showHidden: true }), "sentinel")
  })
})
