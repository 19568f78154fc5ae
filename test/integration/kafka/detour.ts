import type * as Net from "node:net"

// Imports nothing that imports `node:net`: the mock's factory, which imports this, would wait for itself for ever.

/** The broker tells everybody its own address; where `node:net` is mocked by `detoured`, its port leads to another. */
const detour = { from: 0, to: 0 }

export const detoured = (net: typeof Net) => ({
  ...net,
  connect: (options: Net.TcpSocketConnectOpts, onConnect?: () => void) =>
    net.connect(options.port === detour.from ? { ...options, port: detour.to } : options, onConnect)
})

/** An address, as a proxy is told where to lead. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** From now on the `detoured` way to the broker leads through the proxy that this starts, which is the caller's to close. */
export const detourThrough = async <A extends { readonly port: number }>(
  broker: string,
  start: (target: Target) => Promise<A>
): Promise<A> => {
  const [host = "", port = ""] = broker.split(":")
  const proxy = await start({ host, port: Number(port) })
  Object.assign(detour, { from: Number(port), to: proxy.port })
  return proxy
}
