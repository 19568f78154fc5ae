import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** An error as MySQL's wire protocol says it: `ff`, the number, `#`, five characters of SQLSTATE, the text. */
export interface ErrorPacket {
  readonly code: number
  readonly state: string
  readonly text: string
}

const packetOf = ({ code, state, text }: ErrorPacket, sequence: number): Buffer => {
  const number = Buffer.alloc(2)
  number.writeUInt16LE(code)
  const body = Buffer.concat([Buffer.from([0xff]), number, Buffer.from(`#${state}${text}`)])
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}

export interface ErrorProxy {
  readonly port: number
  /** The next command whose text matches is answered with the error; the server never gets it. */
  readonly answer: (trigger: RegExp, error: ErrorPacket) => void
  /** The next connections are greeted with the error; undefined: no more. */
  readonly greet: (error: ErrorPacket | undefined) => void
}

const start = (target: { readonly host: string; readonly port: number }) => {
  const sockets = new Set<Socket>()
  let armed: { readonly trigger: RegExp; readonly error: ErrorPacket } | undefined
  let greeting: ErrorPacket | undefined
  const listener = createServer((client) => {
    sockets.add(client)
    client.on("error", () => undefined)
    if (greeting !== undefined) return void client.end(packetOf(greeting, 0))
    const server = connect(target)
    sockets.add(server)
    server.on("error", () => undefined)
    client.on("data", (chunk) => {
      if (armed?.trigger.test(chunk.toString("latin1")) !== true) return void server.write(chunk)
      client.write(packetOf(armed.error, 1))
      armed = undefined
    })
    server.on("data", (chunk) => client.write(chunk))
    client.on("close", () => server.destroy())
    server.on("close", () => client.destroy())
  })
  return new Promise<ErrorProxy & { readonly close: () => void }>((resolve) => {
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        answer: (trigger, error) => {
          armed = { trigger, error }
        },
        greet: (error) => {
          greeting = error
        },
        close: () => {
          listener.close()
          sockets.forEach((socket) => socket.destroy())
        }
      })
    })
  })
}

/** A way to a MySQL server that answers some commands by itself, for errors that the server cannot be brought to give. */
export const errorProxy = (target: { readonly host: string; readonly port: number }) =>
  Effect.acquireRelease(Effect.promise(() => start(target)), (proxy) => Effect.sync(proxy.close))
