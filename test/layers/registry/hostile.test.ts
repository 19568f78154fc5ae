import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { ServerResponse } from "node:http"
import { createServer, type Socket } from "node:net"
import { inspect } from "node:util"
import { gzipSync } from "node:zlib"
import { noRegistryAccess, type RegistryAccess } from "../../../src/domain/RegistryAccess.js"
import type { RegistryError, SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import { answer, connectWith, type Handler, listening, serve, whileTimePasses } from "./registryServer.js"

/*
 * Servers that answer nonsense. Whatever they do, the question ends in an error of the closed set, after few requests,
 * and the error names no secret of ours: neither in its message nor in anything it carries.
 */
type Authentication = RegistryAccess["authentication"]
const basic: Authentication = { kind: "basic", userInfo: Redacted.make("me:sentinel-password") }
const bearer: Authentication = { kind: "bearer", token: Redacted.make("sentinel-token") }
const secrets = ["sentinel", Buffer.from("me:sentinel-password").toString("base64")]

type Registry = SchemaRegistry["Type"]
type Expected = "SchemaNotFound" | "RegistryUnavailable" | "access" | "schema" | "protocol"

const ended = (
  url: string,
  ask: (registry: Registry) => Effect.Effect<unknown, RegistryError>,
  authentication: Authentication = basic
) =>
  Effect.gen(function*() {
    const registry = yield* connectWith({ ...noRegistryAccess, urls: [url], authentication })
    const error = yield* Effect.flip(ask(registry))
    const everything = `${error.message} ${String(error)} ${inspect(error, { depth: 10, showHidden: true })}`
    for (const secret of secrets) assert.notInclude(everything, secret)
    assert.isBelow(error.message.length, 1_000)
    assert.notMatch(error.message, /\p{Cc}/u)
    return error
  })

const endsAs = (error: RegistryError, expected: Expected) =>
  assert.strictEqual(error._tag === "RegistryRefused" ? error.kind : error._tag, expected, error.message)

const byId = (registry: Registry) => registry.byId(1)
const body = (response: ServerResponse, bytes: string | Uint8Array, headers: Record<string, string> = {}) => {
  response.writeHead(200, { "content-type": "application/json", ...headers })
  response.end(bytes)
}
/** Writes for as long as somebody reads. */
const pour = (to: ServerResponse | Socket, chunk: Uint8Array) => {
  to.once("drain", () => pour(to, chunk))
  while (to.write(chunk)) { /* until it is full */ }
}
const invalidUtf8 = Buffer.concat([
  Buffer.from("{\"schema\":\"\\\"string\\\" "),
  Buffer.from([0xc3]),
  Buffer.from("\"}")
])
const next = (url = "") => /subjects\/(\d+)/.exec(url)?.[1] ?? "0"
const schema = "\"string\""

interface Case {
  readonly title: string
  readonly handler: Handler
  readonly expected: Expected
  readonly requestsMax?: number
  readonly ask?: (registry: Registry) => Effect.Effect<unknown, RegistryError>
}

const nonsense: ReadonlyArray<Case> = [
  { title: "a page", expected: "protocol", handler: (_, response) => body(response, "<html>Welcome</html>") },
  { title: "nothing at all", expected: "protocol", handler: (_, response) => body(response, "") },
  { title: "no content", expected: "protocol", handler: (_, response) => answer(response, 204, "") },
  { title: "JSON of another shape", expected: "protocol", handler: (_, response) => answer(response, 200, [7]) },
  {
    title: "a schema that is no text",
    expected: "protocol",
    handler: (_, response) => answer(response, 200, { schema: {} })
  },
  { title: "what is not UTF-8", expected: "protocol", handler: (_, response) => body(response, invalidUtf8) },
  {
    title: "a compressed answer that nobody asked for",
    expected: "protocol",
    handler: (_, response) => body(response, gzipSync(Buffer.alloc(64 << 20)), { "content-encoding": "gzip" })
  },
  {
    title: "an answer without an end",
    expected: "protocol",
    handler: (_, response) => pour(response, Buffer.alloc(1 << 16, " "))
  },
  {
    title: "a refusal without an end",
    expected: "access",
    handler: (_, response) => pour(response.writeHead(401), Buffer.alloc(1 << 16, "x"))
  },
  {
    title: "brackets a million deep",
    expected: "protocol",
    handler: (_, response) => body(response, "[".repeat(1_000_000))
  },
  {
    title: "a prototype in place of fields",
    expected: "protocol",
    handler: (_, response) => body(response, "{\"__proto__\":{\"schema\":\"\\\"string\\\"\"}}")
  },
  {
    title: "a schema of 2 MiB",
    expected: "schema",
    handler: (_, response) => answer(response, 200, { schema: `"${"x".repeat(2 << 20)}"` })
  },
  {
    title: "what is not Avro",
    expected: "schema",
    handler: (_, response) => answer(response, 200, { schema: "syntax = \"proto3\";", schemaType: "PROTOBUF" })
  },
  {
    title: "references without an end",
    expected: "schema",
    requestsMax: 21,
    handler: ({ url }, response) =>
      answer(response, 200, { schema, references: [{ name: "n", subject: `${Number(next(url)) + 1}`, version: 1 }] })
  },
  {
    title: "references in a circle",
    expected: "schema",
    requestsMax: 2,
    handler: (_, response) => answer(response, 200, { schema, references: [{ name: "n", subject: "s", version: 1 }] })
  },
  {
    title: "thousands of references",
    expected: "schema",
    requestsMax: 101,
    handler: ({ url }, response) => {
      const references = Array.from({ length: 5_000 }, (_, index) => ({ name: "n", subject: `${index}`, version: 1 }))
      answer(response, 200, url === "/schemas/ids/1" ? { schema, references } : { schema })
    }
  },
  {
    title: "a reference that is not there",
    expected: "SchemaNotFound",
    requestsMax: 2,
    handler: ({ url }, response) =>
      url === "/schemas/ids/1"
        ? answer(response, 200, { schema, references: [{ name: "n", subject: "../x?y", version: 3 }] })
        : answer(response, 404, "")
  },
  {
    title: "an id that has no room in a record",
    expected: "protocol",
    ask: (registry) => registry.latest("s"),
    handler: (_, response) => answer(response, 200, { id: 4_294_967_296, version: 1, schema })
  },
  {
    title: "a negative id",
    expected: "protocol",
    ask: (registry) => registry.register("s", schema),
    handler: (_, response) => answer(response, 200, { id: -1 })
  },
  {
    title: "our own header, between control sequences of a terminal",
    expected: "access",
    handler: ({ headers }, response) =>
      answer(response, 401, { message: `\u001b[31m${headers.authorization}\r\nme:sentinel-password\u0007` })
  },
  {
    title: "a redirection to itself",
    expected: "protocol",
    handler: ({ headers }, response) => response.writeHead(302, { location: `/${headers.authorization}` }).end()
  },
  {
    title: "500 with a long page that repeats our header",
    expected: "RegistryUnavailable",
    requestsMax: 3,
    handler: ({ headers }, response) => answer(response, 500, `${headers.authorization} `.repeat(50_000))
  },
  {
    title: "less than it promised",
    expected: "RegistryUnavailable",
    requestsMax: 3,
    handler: ({ socket }, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("{", () => socket.destroy())
    }
  },
  {
    title: "a closed door",
    expected: "RegistryUnavailable",
    requestsMax: 3,
    handler: ({ socket }) => socket.destroy()
  }
]

describe("a server that answers", () => {
  for (const { ask = byId, expected, handler, requestsMax = 1, title } of nonsense) {
    it.scopedLive(title, () =>
      Effect.gen(function*() {
        const { requests, url } = yield* serve(handler)
        endsAs(yield* ended(url, ask), expected)
        assert.isAtMost(requests.length, requestsMax)
        assert.isAbove(requests.length, 0)
      }))
  }

  const raw: ReadonlyArray<readonly [title: string, say: (socket: Socket) => void]> = [
    ["another protocol", (socket) => void socket.write("220 mail.example ESMTP\r\n")],
    ["headers without an end", (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n")
      pour(socket, Buffer.from(`x-header: ${"x".repeat(1_000)}\r\n`))
    }]
  ]
  for (const [title, say] of raw) {
    it.scopedLive(title, () =>
      Effect.gen(function*() {
        let connections = 0
        const server = createServer((socket) => {
          connections++
          socket.once("data", () => say(socket))
        })
        const port = yield* listening(server)
        endsAs(yield* ended(`http://127.0.0.1:${port}`, byId), "RegistryUnavailable")
        assert.isAtMost(connections, 3)
      }))
  }

  it.scoped("drop by drop: an answer has 10 s for all of it, and the connection is given up", () =>
    Effect.gen(function*() {
      let open = 0
      const { requests, url } = yield* serve(({ socket }, response) => {
        open++
        socket.on("close", () => open--)
        const drip = () => void (response.write(" ") && setImmediate(drip))
        drip()
      })
      const error = yield* whileTimePasses(ended(url, byId))
      assert(error._tag === "RegistryUnavailable")
      assert.strictEqual(error.cause, "no answer within 10 seconds")
      assert.isAtMost(requests.length, 3)
      yield* Effect.repeat(Effect.promise(() => new Promise(setImmediate)), { until: () => open === 0 })
    }))
})

describe("who asks", () => {
  it.scopedLive("is told to the registry by user and password, or by a token", () =>
    Effect.gen(function*() {
      const { headers, url } = yield* serve((_, response) => answer(response, 404, ""))
      yield* ended(url, byId)
      yield* ended(url, byId, bearer)
      yield* ended(url, byId, { kind: "basic", userInfo: Redacted.make("münchen:pä:ss") })
      yield* ended(url, byId, { kind: "none" })
      assert.deepStrictEqual(headers.map(({ authorization }) => authorization), [
        `Basic ${Buffer.from("me:sentinel-password").toString("base64")}`,
        "Bearer sentinel-token",
        `Basic ${Buffer.from("münchen:pä:ss").toString("base64")}`,
        undefined
      ])
    }))

  it.scopedLive("is not told to whom a registry points", () =>
    Effect.gen(function*() {
      const elsewhere = yield* serve((_, response) => answer(response, 200, { schema }))
      const { url } = yield* serve((_, response) => response.writeHead(307, { location: elsewhere.url }).end())
      const error = yield* ended(url, byId)
      endsAs(error, "protocol")
      assert.include(error.message, `redirected to ${elsewhere.url}`)
      assert.deepStrictEqual(elsewhere.requests, [])
    }))

  for (const status of [401, 403]) {
    it.scopedLive(`is refused by HTTP ${status}: told at once, with the keys to look at`, () =>
      Effect.gen(function*() {
        const { requests, url } = yield* serve((_, response) => answer(response, status, { message: "no" }))
        const error = yield* ended(url, byId)
        assert(error._tag === "RegistryRefused" && error.kind === "access")
        assert.include(error.cure, "kafka.schema.registry.basic.auth.user.info")
        assert.include(error.cure, "kafka.schema.registry.bearer.auth.token")
        assert.lengthOf(requests, 1)
      }))
  }
})
