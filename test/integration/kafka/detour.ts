import type * as Net from "node:net"
import { type CuttingProxy, startCuttingProxy } from "./cuttingProxy.js"

/** The broker tells everybody its own address; where `node:net` is mocked by `detoured`, its port leads to another. */
const detour = { from: 0, to: 0 }

export const detoured = (net: typeof Net) => ({
  ...net,
  connect: (options: Net.TcpSocketConnectOpts, onConnect?: () => void) =>
    net.connect(options.port === detour.from ? { ...options, port: detour.to } : options, onConnect)
})

/** From now on the way to the broker leads through a proxy, which is the caller's to close. */
export const startDetour = async (broker: string): Promise<CuttingProxy> => {
  const [host = "", port = ""] = broker.split(":")
  const proxy = await startCuttingProxy({ host, port: Number(port) })
  Object.assign(detour, { from: Number(port), to: proxy.port })
  return proxy
}
