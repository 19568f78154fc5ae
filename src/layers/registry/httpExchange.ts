import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type RegistryError, RegistryRefused, RegistryUnavailable, SchemaNotFound } from "../SchemaRegistry.js"

/** An address of a registry without the slashes at its end; the path stays. */
export const parseBase = (address: string): string => address.replace(/\/+$/, "")

/** Longest wait for an answer, its body included. */
const answerTimeout = "10 seconds"
/** The longest schema that is read, escaped as JSON, has room in it; what answers more is not a registry. */
const bodyBytesMax = 4 * 1024 * 1024
const quotedCharactersMax = 500

/** What is asked of every address in the same way. */
export interface Exchange {
  readonly client: HttpClient.HttpClient
  /** Hides what an answer may repeat of the request's secrets. */
  readonly withoutSecrets: (text: string) => string
}

/**
 * One request to one address: the body of a 2xx answer. `what` names what is asked for. 5xx, 408 and 429 count as no
 * answer, because they pass. Redirections are not followed: they would carry the credentials elsewhere.
 */
export const exchange = (
  { client, withoutSecrets }: Exchange,
  base: string,
  what: string,
  path: string,
  body: string | undefined
): Effect.Effect<string, RegistryError> => {
  const refuse = (kind: RegistryRefused["kind"], why: string) =>
    new RegistryRefused({ registry: base, kind, what: why })
  // Without a cause of its own the error is the client's, which carries the whole request.
  const unavailable = (error: { readonly cause?: unknown; readonly message: string }) =>
    new RegistryUnavailable({ registry: base, cause: error.cause ?? error.message })
  return client.execute(requestOf(base, path, body)).pipe(
    Effect.flatMap((response) => Effect.map(bytesOf(response), (bytes) => ({ bytes, response }))),
    Effect.catchTags({
      RequestError: (error) => unavailable(error),
      ResponseError: (error) => unavailable(error)
    }),
    Effect.timeoutFail({
      duration: answerTimeout,
      onTimeout: () => new RegistryUnavailable({ registry: base, cause: `no answer within ${answerTimeout}` })
    }),
    Effect.flatMap(({ bytes, response: { headers, status } }): Effect.Effect<string, RegistryError> => {
      if (status >= 200 && status < 300) {
        if (bytes === undefined) return refuse("protocol", `the answer about ${what} is too long`)
        return Effect.mapError(utf8(bytes), () => refuse("protocol", `the answer about ${what} is not UTF-8`))
      }
      if (status === 404) return new SchemaNotFound({ what, registry: base })
      const words = status >= 300 && status < 400
        ? `redirected to ${headers["location"] ?? "nowhere"}`
        : explanation(bytes ?? new Uint8Array())
      const said = `${what}: ${quoted(withoutSecrets(words))} (HTTP ${status})`
      return status >= 500 || status === 408 || status === 429
        ? new RegistryUnavailable({ registry: base, cause: said })
        : refuse(kindOf(status), said)
    })
  )
}

const kindOf = (status: number): RegistryRefused["kind"] => {
  if (status === 401 || status === 403) return "access"
  return status === 409 || status === 422 ? "schema" : "protocol"
}

const contentType = "application/vnd.schemaregistry.v1+json"

const requestOf = (base: string, path: string, body: string | undefined) => {
  const request = body === undefined
    ? HttpClientRequest.get(`${base}${path}`)
    : HttpClientRequest.bodyText(HttpClientRequest.post(`${base}${path}`), body, contentType)
  return HttpClientRequest.accept(request, `${contentType}, application/json`)
}

/** Read chunk by chunk, so that an endless answer ends here and not in memory; undefined where it is too long. */
const bytesOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.mapAccum(0, (bytes, chunk) => [bytes + chunk.length, { chunk, bytes: bytes + chunk.length }]),
    Stream.takeUntil(({ bytes }) => bytes > bodyBytesMax),
    Stream.runCollect,
    Effect.map((parts) => {
      const whole = Buffer.concat(Array.from(parts, ({ chunk }) => chunk))
      return whole.length > bodyBytesMax ? undefined : whole
    })
  )

/** Strict: a schema in which characters are replaced is another schema. */
const utf8 = (bytes: Uint8Array) => Effect.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes))

const decodeError = Schema.decodeUnknownEither(Schema.parseJson(Schema.Struct({ message: Schema.String })))

/** What the registry says of its refusal, or a proxy's page. */
const explanation = (bytes: Uint8Array): string => {
  const text = new TextDecoder().decode(bytes)
  return Either.match(decodeError(text), { onLeft: () => text, onRight: ({ message }) => message })
}

/** Foreign words in a line of ours: no line breaks, no terminal's control sequences, no end of pages. */
const quoted = (text: string): string => text.slice(0, quotedCharactersMax).replaceAll(/[\s\p{C}]+/gu, " ").trim()
