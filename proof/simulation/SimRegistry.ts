import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { noRegistryAccess } from "../../src/domain/RegistryAccess.js"
import { layerHttpClient } from "../../src/layers/registry/HttpRegistry.js"
import type { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"

/**
 * What becomes of a request.
 *
 * - `refused`: nobody listens; `silent`: the request is lost; `unavailable`: 503. The job waits until it is over.
 * - `not found`: 404, as from a registry behind its own leader. Retriable for 30 s (protocol §11), then the record is bad.
 * - `page`: the page of a proxy with status 200. No registry answers so: the partition stops until it is assigned anew.
 * - `bad gateway`: the page of a proxy with status 502, behind which the registry is away.
 */
export type RegistryFault = "refused" | "silent" | "unavailable" | "not found" | "page" | "bad gateway"

/**
 * A schema registry of one simulated world: an HTTP server below the production's own client, so that its memory, its
 * retries and its time-outs are simulated, too. Each process has a layer of its own; what they share is here.
 */
export class SimRegistry {
  /** Texts of Avro schemas by id. May grow at any time. */
  readonly schemas = new Map<number, string>()
  /** Of each answer. Above 10 s the client gives up before. */
  latencyMs = 0
  /** Which fault meets a request for the schema of this id, now; undefined: none. */
  fault: (id: number) => RegistryFault | undefined = () => undefined
  /** What has happened so far. */
  readonly counts = { requests: 0, refused: 0, silent: 0, unavailable: 0, "not found": 0, page: 0, "bad gateway": 0 }

  constructor(schemas: Iterable<readonly [id: number, schema: string]> = []) {
    for (const [id, schema] of schemas) this.schemas.set(id, schema)
  }

  /** The client of one process, with an empty memory. */
  get layer(): Layer.Layer<SchemaRegistry> {
    const client = HttpClient.make((request, { pathname }) => this.answer(request, pathname))
    return layerHttpClient({ urls: ["http://registry.sim"], authentication: noRegistryAccess.authentication }).pipe(
      Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
    )
  }

  private answer(request: HttpClientRequest.HttpClientRequest, path: string) {
    const id = Number(/^\/schemas\/ids\/(\d+)$/.exec(path)?.[1] ?? -1)
    return Effect.gen(this, function*() {
      this.counts.requests += 1
      const fault = this.fault(id)
      if (fault !== undefined) this.counts[fault] += 1
      if (fault === "silent") return yield* Effect.never
      if (this.latencyMs > 0) yield* Effect.sleep(this.latencyMs)
      if (fault === "refused") {
        const cause = new Error("connect ECONNREFUSED registry.sim")
        return yield* new HttpClientError.RequestError({ request, reason: "Transport", cause })
      }
      if (fault === "unavailable") return responseOf(request, 503, { error_code: 50003, message: "no leader" })
      if (fault === "page") return responseOf(request, 200, "<html>maintenance</html>")
      if (fault === "bad gateway") return responseOf(request, 502, "<html>bad gateway</html>")
      const schema = fault === "not found" ? undefined : this.schemas.get(id)
      return schema === undefined
        ? responseOf(request, 404, { error_code: 40403, message: "Schema not found" })
        : responseOf(request, 200, { schema })
    })
  }
}

/** Not `fromWeb`: the body of a `Response` comes with promises, and those of virtual time must not wait for anything. */
const responseOf = (
  request: HttpClientRequest.HttpClientRequest,
  status: number,
  body: object | string
): HttpClientResponse.HttpClientResponse => {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  const bytes = new TextEncoder().encode(text)
  return {
    ...Inspectable.BaseProto,
    [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId,
    [HttpClientResponse.TypeId]: HttpClientResponse.TypeId,
    request,
    status,
    cookies: Cookies.empty,
    headers: Headers.empty,
    remoteAddress: Option.none(),
    stream: Stream.make(bytes),
    text: Effect.succeed(text),
    json: Effect.succeed(body),
    arrayBuffer: Effect.sync(() => Uint8Array.from(bytes).buffer),
    urlParamsBody: Effect.succeed(UrlParams.empty),
    formData: Effect.dieMessage("a registry answers no forms")
  }
}
