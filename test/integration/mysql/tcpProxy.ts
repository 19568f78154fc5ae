import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

/**
 * What happens to the first text that matches:
 * - `cut-before`: it never reaches the server, both sides are closed
 * - `cut-after`: the server gets it; its answer is lost, both sides are closed
 * - `swallow`: it never reaches the server, and nobody is told: no FIN, no RST
 * - `swallow-answer`: the server gets it; from then on silence, and nobody is told
 * - `hold`: the server gets it; its answer waits for `release`
 */
export type Fault = "cut-before" | "cut-after" | "swallow" | "swallow-answer" | "hold"

export interface TcpProxy {
  readonly port: number
  /** Once, on the next text that matches, on whichever connection. */
  readonly arm: (trigger: RegExp, fault: Fault) => void
  /** True once the armed fault has happened. */
  readonly hasStruck: () => boolean
  readonly release: () => void
  /** New connections are accepted, and nothing is ever said on them. */
  readonly muteNew: (mute: boolean) => void
}

/** The text of COMMIT alone; READ-COMMITTED, in the session's statement, is not one. */
export const commitText = /COMMIT$/u

interface Armed {
  readonly trigger: RegExp
  readonly fault: Fault
}

const startProxy = (target: { readonly host: string; readonly port: number }) => {
  const sockets = new Set<Socket>()
  let armed: Armed | undefined
  let struck = false
  let muted = false
  let release: (() => void) | undefined

  const serve = (client: Socket): void => {
    sockets.add(client)
    client.on("error", () => undefined)
    if (muted) return
    const server = connect(target)
    sockets.add(server)
    server.on("error", () => undefined)
    let silent = false
    let held: Array<Buffer> | undefined
    let cutOnAnswer = false
    const cut = (): void => {
      client.destroy()
      server.destroy()
    }
    client.on("data", (chunk) => {
      if (silent) return
      const fault = armed?.trigger.test(chunk.toString("latin1")) === true ? armed.fault : undefined
      if (fault !== undefined) {
        armed = undefined
        struck = true
      }
      if (fault === "cut-before") return cut()
      if (fault === "swallow" || fault === "swallow-answer") silent = true
      if (fault === "cut-after") cutOnAnswer = true
      if (fault === "hold") {
        held = []
        release = () => {
          held?.forEach((part) => client.write(part))
          held = undefined
        }
      }
      if (fault !== "swallow") server.write(chunk)
    })
    server.on("data", (chunk) => {
      if (cutOnAnswer) return cut()
      if (held !== undefined) return void held.push(chunk)
      if (!silent) client.write(chunk)
    })
    // A silent connection does not pass on that the other side has gone.
    client.on("close", () => silent || server.destroy())
    server.on("close", () => silent || client.destroy())
  }

  const listener = createServer(serve)
  return new Promise<TcpProxy & { readonly close: () => void }>((resolve) => {
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        arm: (trigger, fault) => {
          armed = { trigger, fault }
          struck = false
        },
        hasStruck: () => struck,
        release: () => release?.(),
        muteNew: (mute) => {
          muted = mute
        },
        close: () => {
          listener.close()
          sockets.forEach((socket) => socket.destroy())
        }
      })
    })
  })
}

/** A way to the server that can go wrong, for as long as the scope is open. */
export const tcpProxy = (target: { readonly host: string; readonly port: number }) =>
  Effect.acquireRelease(Effect.promise(() => startProxy(target)), (proxy) => Effect.sync(proxy.close))
