import { connect } from "node:net"
import kafkajs from "kafkajs"

/**
 * Is the cluster whole: every broker answers and knows all of them, and the group coordinator works.
 * @param {string} address
 * @param {number} nodes
 */
const kafka = async (address, nodes) => {
  const client = new kafkajs.Kafka({
    brokers: address.split(","),
    clientId: "readiness",
    connectionTimeout: 1000,
    requestTimeout: 3000,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 }
  })
  const admin = client.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length === nodes
  } finally {
    await admin.disconnect()
  }
}

/** @param {string} url */
const http = async (url) => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok

/**
 * Does `accepts` hold for the first bytes of a new connection?
 * @param {string} address
 * @param {string} greetingOf what to send first; empty if the server speaks first
 * @param {(bytes: Buffer) => boolean} accepts
 */
const greeting = (address, greetingOf, accepts) =>
  new Promise((resolve, reject) => {
    const [host, port] = address.split(":")
    const socket = connect({ host, port: Number(port) })
    socket.setTimeout(2000, () => socket.destroy(new Error("no answer in 2 s")))
    socket.once("connect", () => greetingOf !== "" && socket.write(greetingOf))
    socket.once("data", (bytes) => {
      socket.destroy()
      resolve(accepts(bytes))
    })
    socket.once("error", reject)
    socket.once("close", () => resolve(false))
  })

/**
 * Is the server ready for clients? Errors mean not yet.
 * @param {import("./process.mjs").Ready} ready
 * @returns {Promise<boolean>}
 */
export const isReady = async (ready) => {
  try {
    switch (ready.kind) {
      case "kafka":
        return await kafka(ready.address, ready.nodes)
      case "http":
        return await http(ready.address)
      case "mysql": // protocol version 10 after the four bytes of the packet header
        return await greeting(ready.address, "", (bytes) => bytes[4] === 10)
      case "zookeeper":
        return await greeting(ready.address, "ruok", (bytes) => bytes.toString() === "imok")
      default:
        throw new Error(`unknown kind ${ready.kind}`)
    }
  } catch {
    return false
  }
}
