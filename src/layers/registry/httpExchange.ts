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
/** No schema is that long; what answers more is not a registry. */
const bodyBytesMax = 16 * 1024 * 1024
const quotedCharactersMax = 500

/**
 * One request to one address: the body of a 2xx answer. `what` names what is asked for. 5xx, 408 and 429 count as no
 * answer, because they pass.
 */
export const exchange = (
  client: HttpClient.HttpClient,
  base: string,
  what: string,
  path: string,
  body: string | undefined
): Effect.Effect<string, RegistryError> =>
  client.execute(requestOf(base, path, body)).pipe(
    Effect.flatMap((response) => Effect.map(textOf(response), (text) => ({ text, status: response.status }))),
    Effect.catchTags({
      RequestError: (error) => new RegistryUnavailable({ registry: base, cause: error.cause ?? error }),
      ResponseError: (error) => new RegistryUnavailable({ registry: base, cause: error.cause ?? error })
    }),
    Effect.timeoutFail({
      duration: answerTimeout,
      onTimeout: () => new RegistryUnavailable({ registry: base, cause: `no answer within ${answerTimeout}` })
    }),
    Effect.flatMap(({ status, text }): Effect.Effect<string, RegistryError> => {
      if (status >= 200 && status < 300) {
        return text === undefined ? refuse(base, `the answer about ${what} is too long`) : Effect.succeed(text)
      }
      if (status === 404) return new SchemaNotFound({ what, registry: base })
      const said = `${what}: ${explanation(text ?? "")} (HTTP ${status})`
      return status >= 500 || status === 408 || status === 429
        ? new RegistryUnavailable({ registry: base, cause: said })
        : refuse(base, said)
    })
  )

const refuse = (base: string, what: string) => new RegistryRefused({ registry: base, what })

const contentType = "application/vnd.schemaregistry.v1+json"

const requestOf = (base: string, path: string, body: string | undefined) => {
  const request = body === undefined
    ? HttpClientRequest.get(`${base}${path}`)
    : HttpClientRequest.bodyText(HttpClientRequest.post(`${base}${path}`), body, contentType)
  return HttpClientRequest.accept(request, `${contentType}, application/json`)
}

/** Read chunk by chunk, so that an endless answer ends here and not in memory; undefined where it is too long. */
const textOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.mapAccum(0, (bytes, chunk) => [bytes + chunk.length, { chunk, bytes: bytes + chunk.length }]),
    Stream.takeUntil(({ bytes }) => bytes > bodyBytesMax),
    Stream.runCollect,
    Effect.map((parts) => {
      const chunks = Array.from(parts, ({ chunk }) => chunk)
      const whole = Buffer.concat(chunks)
      return whole.length > bodyBytesMax ? undefined : whole.toString("utf8")
    })
  )

const decodeError = Schema.decodeUnknownEither(Schema.parseJson(Schema.Struct({ message: Schema.String })))

/** What the registry says of its refusal; a proxy's page is quoted from its beginning. */
const explanation = (text: string): string =>
  Either.match(decodeError(text), {
    onLeft: () => text.replaceAll(/\s+/g, " ").trim(),
    onRight: ({ message }) => message
  }).slice(0, quotedCharactersMax)
