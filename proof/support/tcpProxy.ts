import { connect, createServer, type Server, type Socket } from "node:net"

/**
 * What happens to a connection at the first text of the client that matches:
 * - `cut-before`: it never reaches the server, both sides are reset
 * - `cut-after`: the server gets it; its answer is lost, both sides are reset
 * - `swallow`: it never reaches the server, and nobody is told: no FIN, no RST, for as long as the other side waits
 * - `swallow-answer`: the server gets it; from then on silence, and nobody is told
 */
export type TextFault = "cut-before" | "cut-after" | "swallow" | "swallow-answer"

/** A way to a server on which all can go wrong that goes wrong in networks. */
export interface TcpProxy {
  readonly port: number
  /** The server sees those who connect from now on come from this address, one of 127.0.0.0/8. */
  readonly comeFrom: (address: string) => void
  /** Connections that are open now. */
  readonly links: () => number
  /** New connections are reset at once, as those to a port at which nothing listens. */
  readonly refuse: (on: boolean) => void
  /** Resets all connections; answers how many. */
  readonly cut: () => number
  /** Nothing passes in either direction, nothing is lost: it passes when the stall is over, as with a route that was gone. */
  readonly stall: (on: boolean) => void
  /** Every piece of data takes so long to pass, in either direction. */
  readonly delay: (ms: number) => void
  /** What is open now goes silent for ever, and nobody is told (half-open); new connections work. Answers how many. */
  readonly mute: () => number
  /** Once, on the next text that matches, on whichever connection; `undefined` takes back what has not struck. */
  readonly arm: (trap: { readonly trigger: RegExp; readonly fault: TextFault } | undefined) => void
  /** How often an armed fault has struck. */
  readonly struck: () => number
  /** How many connections were made, and how many refused. */
  readonly accepted: () => number
  readonly refused: () => number
  readonly close: () => void
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  silent: boolean
  cutOnAnswer: boolean
}

interface State {
  localAddress: string | undefined
  refusing: boolean
  stalled: boolean
  delayMs: number
  trap: { readonly trigger: RegExp; readonly fault: TextFault } | undefined
  struck: number
  accepted: number
  refused: number
}

const reset = ({ client, server }: Link): void => {
  client.resetAndDestroy()
  server.resetAndDestroy()
}

/** Hands data on in order, however the delay changes meanwhile, and no faster than it is taken. */
const passer = (from: Socket, to: Socket, state: State) => {
  let notBefore = 0
  let waiting = 0
  const write = (chunk: Buffer): void => {
    if (!to.writable || to.write(chunk)) return
    from.pause()
    to.once("drain", () => state.stalled || from.resume())
  }
  return (chunk: Buffer): void => {
    if (state.delayMs === 0 && waiting === 0) return write(chunk)
    notBefore = Math.max(notBefore, performance.now() + state.delayMs)
    waiting += 1
    setTimeout(() => {
      waiting -= 1
      write(chunk)
    }, notBefore - performance.now())
  }
}

/** True when the chunk has been dealt with. */
const strike = (link: Link, chunk: Buffer, state: State): boolean => {
  if (state.trap?.trigger.test(chunk.toString("latin1")) !== true) return false
  const { fault } = state.trap
  state.trap = undefined
  state.struck += 1
  if (fault === "cut-before") reset(link)
  if (fault === "cut-after") link.cutOnAnswer = true
  if (fault === "swallow" || fault === "swallow-answer") link.silent = true
  if (fault === "swallow-answer") link.server.write(chunk)
  return fault !== "cut-after"
}

const open = (link: Link, state: State, links: Set<Link>): void => {
  const { client, server } = link
  const toServer = passer(client, server, state)
  const toClient = passer(server, client, state)
  client.on("data", (chunk: Buffer) => {
    if (!link.silent && !strike(link, chunk, state)) toServer(chunk)
  })
  server.on("data", (chunk: Buffer) => {
    if (link.cutOnAnswer) return reset(link)
    if (!link.silent) toClient(chunk)
  })
  const closed = (other: Socket) => (hadError: boolean) => {
    if (other.destroyed) return void links.delete(link)
    // A silent connection does not pass on that one side has gone; the other finds out by its own time-outs.
    if (link.silent) return
    if (hadError) other.resetAndDestroy()
    else other.destroySoon()
  }
  client.on("close", closed(server))
  server.on("close", closed(client))
  if (state.stalled) {
    client.pause()
    server.pause()
  }
}

const listen = (listener: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    listener.once("error", reject)
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

/** @param target asked for each connection: the server may be started after the proxy, whose port it advertises */
export const startTcpProxy = async (
  target: () => { readonly host: string; readonly port: number }
): Promise<TcpProxy> => {
  const links = new Set<Link>()
  const state: State = {
    localAddress: undefined,
    refusing: false,
    stalled: false,
    delayMs: 0,
    trap: undefined,
    struck: 0,
    accepted: 0,
    refused: 0
  }
  const listener = createServer((client) => {
    client.on("error", () => {}) // its `close` follows, which is what counts
    if (state.refusing) {
      state.refused += 1
      return void client.resetAndDestroy()
    }
    state.accepted += 1
    const server = connect({ ...target(), localAddress: state.localAddress })
    server.on("error", () => {})
    const link: Link = { client, server, silent: false, cutOnAnswer: false }
    links.add(link)
    open(link, state, links)
  })
  const port = await listen(listener)
  const all = (act: (link: Link) => void): number => {
    const now = [...links].filter(({ client, server, silent }) => !silent && !client.destroyed && !server.destroyed)
    now.forEach(act)
    return now.length
  }
  return {
    port,
    comeFrom: (address) => {
      state.localAddress = address
    },
    links: () => links.size,
    refuse: (on) => {
      state.refusing = on
    },
    cut: () => all(reset),
    stall: (on) => {
      state.stalled = on
      all(({ client, server }) => {
        for (const socket of [client, server]) {
          if (on) socket.pause()
          else socket.resume()
        }
      })
    },
    delay: (ms) => {
      state.delayMs = ms
    },
    mute: () =>
      all((link) => {
        link.silent = true
      }),
    arm: (trap) => {
      state.trap = trap
    },
    struck: () => state.struck,
    accepted: () => state.accepted,
    refused: () => state.refused,
    close: () => {
      listener.close()
      links.forEach(reset)
    }
  }
}
