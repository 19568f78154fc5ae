import { createServer, type Socket } from "node:net"

/** Takes connections, reads what comes, and never says a word, as a broker does that hangs or lies behind a dead network. */
export const listenSilently = async () => {
  const sockets = new Set<Socket>()
  let accepted = 0
  const listener = createServer((socket) => {
    accepted++
    // Read, or its end would not be noticed here.
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)).resume())
  })
  const port = await new Promise<number>((resolve) => {
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })
  const close = () => {
    listener.close()
    sockets.forEach((socket) => socket.destroy())
  }
  /** The next one that connects. */
  const connected = () => new Promise<Socket>((resolve) => listener.once("connection", resolve))
  return { port, sockets, accepted: () => accepted, connected, close }
}
