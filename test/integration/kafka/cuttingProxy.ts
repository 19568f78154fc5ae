import { createServer, Socket } from "node:net"
import { detourThrough, type Target } from "./detour.js"
import { apiKeyOf, requestFrames } from "./requestFrames.js"

/**
 * What happens to a request:
 * - `cut-before`: it never reaches the broker, and the connection ends
 * - `cut-after`: the broker gets it; its answer is lost, and the connection ends
 * - `swallow-answer`: the broker gets it; from then on the connection is silent, and nobody is told
 * - `not-coordinator`: it never reaches the broker, and is answered as by one that does not coordinate the group
 */
export type Fault = "none" | "cut-before" | "cut-after" | "swallow-answer" | "not-coordinator"

/** API keys of the protocol. */
export const api = { produce: 0, joinGroup: 11, heartbeat: 12, addPartitionsToTxn: 24, endTxn: 26 } as const

/** Answer of a heartbeat, version 1 to 3: length, the request's correlation id, no throttling, error 16. */
const notCoordinator = (request: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 10]), request.subarray(8, 12), Buffer.from([0, 0, 0, 0, 0, 16])])

/** A way to a broker on which requests of one API can go wrong. */
export interface CuttingProxy {
  readonly port: number
  /** Asked once for each request of the API (Produce unless named), as they arrive, with its number from 0. */
  readonly decide: (fault: (request: number) => Fault, apiKey?: number) => void
  /** Requests of that API since then. */
  readonly requests: () => number
  readonly close: () => void
}

const passAll = (): Fault => "none"

const startCuttingProxy = (target: Target): Promise<CuttingProxy> => {
  const sockets = new Set<Socket>()
  let requests = 0
  let watched: number = api.produce
  let decide: (request: number) => Fault = passAll

  const serve = (client: Socket): void => {
    // Not by `connect`, which a test may have led here.
    const server = new Socket().connect(target)
    let onAnswer: Fault = "none"
    const cut = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on("error", () => undefined)
      socket.on("close", () => {
        sockets.delete(socket)
        cut()
      })
    }
    const frames = requestFrames()
    client.on("data", (chunk: Buffer) => {
      for (const request of frames(chunk)) {
        const fault = apiKeyOf(request) === watched ? decide(requests++) : "none"
        if (fault === "cut-before") return cut()
        if (fault === "not-coordinator") {
          client.write(notCoordinator(request))
          continue
        }
        if (fault !== "none") onAnswer = fault
        server.write(request)
      }
    })
    server.on("data", (chunk: Buffer) => {
      if (onAnswer === "cut-after") return cut()
      if (onAnswer === "none") client.write(chunk)
    })
  }

  const listener = createServer(serve)
  return new Promise((resolve) => {
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        decide: (fault, apiKey = api.produce) => {
          watched = apiKey
          requests = 0
          decide = fault
        },
        requests: () => requests,
        close: () => {
          listener.close()
          for (const socket of sockets) socket.destroy()
        }
      })
    })
  })
}

/** From now on the `detoured` way to the broker leads through a proxy, which is the caller's to close. */
export const startDetour = (broker: string): Promise<CuttingProxy> => detourThrough(broker, startCuttingProxy)
