import { createServer } from "node:net"

const first = 10_000
const last = 32_000

/** @param {number} port */
const hold = (port) =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(server))
  })

/**
 * Ports that the system lets us listen on. They lie below the range from which systems give ports to outgoing
 * connections (port 0 would come from it): a server that restarts must find its port free again, and a client that
 * retries while the server is down must not connect to itself.
 * @param {number} count
 * @returns {Promise<ReadonlyArray<number>>}
 */
export const freePorts = async (count) => {
  const held = []
  for (let tries = 0; held.length < count && tries < 1000; tries++) {
    const server = await hold(first + Math.floor(Math.random() * (last - first)))
    if (server !== undefined) held.push(server)
  }
  const ports = held.map((server) => server.address().port)
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  if (ports.length < count) throw new Error(`no ${count} free ports between ${first} and ${last}`)
  return ports
}
