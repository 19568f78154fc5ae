import { connect, createServer, type Server, type Socket } from "node:net"
import { atEnd } from "./atEnd.js"

/** An address at which nothing listens until it is opened; from then on it leads to `target`. */
export interface Door {
  readonly address: string
  readonly open: () => Promise<void>
}

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })

/** @param target `host:port` of a server that runs */
export const closedDoor = async (target: string): Promise<Door> => {
  const first = createServer()
  await listen(first, 0)
  const port = portOf(first)
  await new Promise((resolve) => first.close(resolve))
  const [host = "", targetPort = ""] = target.split(":")
  const sockets = new Set<Socket>()
  const door = createServer((client) => {
    const server = connect({ host, port: Number(targetPort) })
    for (const [one, other] of [[client, server], [server, client]] as const) {
      sockets.add(one)
      one.on("error", () => {})
      one.on("close", () => other.destroy())
      one.pipe(other)
    }
  })
  atEnd(() => {
    door.close()
    sockets.forEach((socket) => socket.destroy())
  })
  return { address: `127.0.0.1:${port}`, open: () => listen(door, port) }
}
