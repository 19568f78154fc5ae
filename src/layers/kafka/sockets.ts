import type { ISocketFactory } from "kafkajs"
import * as net from "node:net"
import * as tls from "node:tls"

const keepAliveDelayMs = 60_000

/** Why a connection is ended on which a request was not answered in time. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer"
  override readonly message = "a request has taken too long"
}

/** An address has become unreachable, for a reason, or reachable again. */
export interface SocketReport {
  readonly address: string
  readonly lostBecause?: string
}

/** The sockets of one client. They are kept, because kafkajs waits without end for answers before it closes one. */
export interface Sockets {
  readonly factory: ISocketFactory
  /** Ends every socket (to `address`, if one is named) at once; the next request opens new ones. */
  readonly reset: (address?: string) => void
  /** Ends every socket at once and refuses new ones: what is left of the client in the background then ends by itself. */
  readonly destroy: () => void
}

/**
 * Opens sockets as kafkajs does, and reports an address when it stops being reachable and when it is back, once each:
 * kafkajs itself logs every one of its attempts.
 */
export const makeSockets = (report: (report: SocketReport) => void): Sockets => {
  const open = new Map<net.Socket, string>()
  const down = new Set<string>()
  let closed = false
  const factory: ISocketFactory = ({ host, onConnect, port, ssl }) => {
    if (closed) throw new Error("the client is closed")
    const address = `${host}:${port}`
    const connected = () => {
      if (down.delete(address)) report({ address })
      onConnect()
    }
    // kafkajs hands `ssl: null` for a plain connection, whatever its types say.
    const socket = isSecure(ssl)
      ? tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...ssl }, connected)
      : net.connect({ host, port }, connected)
    socket.setKeepAlive(true, keepAliveDelayMs)
    open.set(socket, address)
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The other connection to the node has most likely gone the same way, and what is sent on it would wait as long.
      if (error instanceof NoAnswer) cutOff(error, address)
      if (closed || down.has(address)) return
      down.add(address)
      report({ address, lostBecause: error.code ?? error.message })
    })
    socket.on("close", () => {
      open.delete(socket)
      // kafkajs does so at each disconnect, of a socket that has ended long ago, too; Node would keep a listener for each.
      socket.unref = () => socket
    })
    return socket
  }
  // With an error, because kafkajs listens to "end" and "error" only, and would wait for answers that cannot come.
  const cutOff = (reason: Error, only?: string) => {
    for (const [socket, address] of open) if (only === undefined || only === address) socket.destroy(reason)
  }
  return {
    factory,
    reset: (address) => cutOff(new NoAnswer(), address),
    destroy: () => {
      closed = true
      cutOff(new Error("the client is closed"))
    }
  }
}

const isSecure = (ssl: tls.ConnectionOptions | null): ssl is tls.ConnectionOptions => ssl !== null
