import { assert } from "@effect/vitest"
import { Context, Effect, Layer, TestClock } from "effect"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import type { Server, Socket } from "node:net"
import { noRegistryAccess } from "../../../src/domain/RegistryAccess.js"
import { SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import * as HttpRegistry from "../../../src/layers/registry/HttpRegistry.js"

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The port of a server that is closed with the scope, whoever is still connected. */
export const listening = (server: Server) =>
  Effect.gen(function*() {
    const sockets = new Set<Socket>()
    server.on("connection", (socket: Socket) => {
      sockets.add(socket)
      // What a client does to its connection is the test's business, not the end of the process.
      socket.on("error", () => socket.destroy())
    })
    yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    yield* Effect.addFinalizer(() =>
      Effect.async<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
    )
    const address = server.address()
    assert(address !== null && typeof address === "object")
    return address.port
  })

/** A registry of one test: what it is asked is recorded, what it answers is the handler's. */
export const serve = (handler: Handler) =>
  Effect.gen(function*() {
    const requests: Array<string> = []
    const headers: Array<IncomingHttpHeaders> = []
    const server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`)
      headers.push(request.headers)
      handler(request, response)
    })
    const port = yield* listening(server)
    return { url: `http://127.0.0.1:${port}`, requests, headers }
  })

export const answer = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" })
  response.end(typeof body === "string" ? body : JSON.stringify(body))
}

export const connect = (...urls: ReadonlyArray<string>) => connectWith({ urls, ...noRegistryAccess })
export const connectWith = (options: HttpRegistry.RegistryOptions) =>
  Effect.map(Layer.build(HttpRegistry.layer(options)), (context) => Context.get(context, SchemaRegistry))

/** Virtual time passes while the effect waits on a real socket; only for what must time out. */
export const whileTimePasses = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.raceFirst(
    effect,
    Effect.forever(Effect.zipRight(TestClock.adjust("50 millis"), Effect.promise(() => new Promise(setImmediate))))
  )
