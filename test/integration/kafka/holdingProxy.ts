import { createServer, Socket } from "node:net"
import { detourThrough, type Target } from "./detour.js"
import { apiKeyOf, requestFrames } from "./requestFrames.js"

const fetchKey = 1

/** A way to a broker on which answers can be held up, as by a network that has gone silent and may come back. */
export interface HoldingProxy {
  readonly port: number
  /** Each connection on which a request is sent from now on (a Fetch only, if so told) brings no answer any more. */
  readonly hold: (which: "fetches" | "all") => void
  /** Settles when an answer is held. */
  readonly held: () => Promise<void>
  /** What is held is sent, and all goes on. */
  readonly release: () => void
  readonly close: () => void
}

const startHoldingProxy = (target: Target): Promise<HoldingProxy> => {
  const sockets = new Set<Socket>()
  let holding: "fetches" | "all" | "nothing" = "nothing"
  let answers: Array<() => void> = []
  let onHeld: (() => void) | undefined
  let firstHeld = Promise.resolve()

  const listener = createServer((client) => {
    // Not by `connect`, which leads here.
    const server = new Socket().connect(target)
    let silent = false
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      sockets.add(socket)
      socket.on("error", () => undefined)
      socket.on("close", () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    const frames = requestFrames()
    client.on("data", (chunk: Buffer) => {
      for (const request of frames(chunk)) {
        if (holding === "all" || holding === "fetches" && apiKeyOf(request) === fetchKey) silent = true
        server.write(request)
      }
    })
    server.on("data", (chunk: Buffer) => {
      if (!silent || holding === "nothing") return void client.write(chunk)
      answers.push(() => client.write(chunk))
      onHeld?.()
    })
  })
  return new Promise((resolve) => {
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        hold: (which) => {
          holding = which
          firstHeld = new Promise((settle) => (onHeld = settle))
        },
        held: () => firstHeld,
        release: () => {
          holding = "nothing"
          for (const send of answers) send()
          answers = []
        },
        close: () => {
          listener.close()
          for (const socket of sockets) socket.destroy()
        }
      })
    })
  })
}

/** From now on the `detoured` way to the broker leads through a proxy, which is the caller's to close. */
export const startHolding = (broker: string): Promise<HoldingProxy> => detourThrough(broker, startHoldingProxy)
