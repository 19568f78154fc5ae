import { connect, createServer, type Server, type Socket } from "node:net"
import { freePorts } from "../../../scripts/servers/index.mjs"
import { atEnd } from "./atEnd.js"

/** An address at which nothing listens until it is opened; from then on it leads to `target`. */
export interface Door {
  readonly address: string
  readonly open: () => Promise<void>
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })

/**
 * Its port is none that the system gives to outgoing connections: one of the many tests beside this one would have it by
 * the time it is opened, or the program, which knocks again and again, would meet itself there.
 * @param target `host:port` of a server that runs
 */
export const closedDoor = async (target: string): Promise<Door> => {
  const [port = 0] = await freePorts(1)
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
