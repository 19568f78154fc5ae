import type * as Net from "node:net"

// Imports nothing that imports `node:net`: the mock's factory, which imports this, would wait for itself for ever.

/** The broker tells everybody its own address; where `node:net` is mocked by `detoured`, its port leads to another. */
export const detour = { from: 0, to: 0 }

export const detoured = (net: typeof Net) => ({
  ...net,
  connect: (options: Net.TcpSocketConnectOpts, onConnect?: () => void) =>
    net.connect(options.port === detour.from ? { ...options, port: detour.to } : options, onConnect)
})
