/**
 * Corrections of kafkajs 2.2.4 that have to reach into the library. Each replaces one function by what it was meant to
 * do, so that they change nothing for other users of kafkajs in the same process. What only our own consumers need
 * (fetching, heartbeats) is not patched here but replaced on the objects that belong to them: see brokers.ts.
 */
const supported = "2.2.4"

/** The corrections, and internals.ts, were read in the source of one version; another one is not a little different. */
export const requireVersion = (version: string): void => {
  if (version !== supported) {
    throw new Error(
      `kafkajs ${version} is installed, but this program corrects and extends kafkajs ${supported}: install exactly that`
    )
  }
}

interface BrokerInstance {
  isConnected(): boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
}

export interface BrokerClass {
  readonly prototype: {
    isConnected: (this: BrokerInstance) => boolean
    connect: (this: BrokerInstance) => Promise<void>
  }
}

/**
 * A broker calls itself connected as soon as its socket is, before it knows which versions of requests to send; what is
 * sent then fails with a plain Error, "Broker not connected", that tells of a mistake instead of a broker that is away.
 * When the question for the versions is not answered (a broker that hangs, whose kernel still takes connections) that
 * lasts as long as the socket. So it is connected when `connect` has come to its end, and one that fails hangs up: on a
 * connection that has gone dead without a word the next would wait as long.
 */
export const connectedOnceItCanSend = ({ prototype }: BrokerClass): void => {
  const { connect, isConnected } = prototype
  const ready = new WeakSet<BrokerInstance>()
  prototype.isConnected = function() {
    return ready.has(this) && isConnected.call(this)
  }
  prototype.connect = async function() {
    try {
      await connect.call(this)
      ready.add(this)
    } catch (error) {
      await this.disconnect()
      throw error
    }
  }
}

interface ConsumerGroupInstance {
  lastRequest: number
}

export interface ConsumerGroupClass {
  readonly prototype: { heartbeat: (this: ConsumerGroupInstance, options: object) => Promise<void> }
}

/**
 * Heartbeats are due by the wall clock. After it has been set back, by a day say, the last one lies in the future: a day
 * would pass without any, the member evicted and never told. Such a one counts as long ago.
 */
export const heartbeatsWhateverTheClock = ({ prototype }: ConsumerGroupClass): void => {
  const { heartbeat } = prototype
  prototype.heartbeat = function(options) {
    // oxlint-disable-next-line eslint/no-restricted-properties -- kafkajs's own clock: lastRequest is counted by it
    if (this.lastRequest > Date.now()) this.lastRequest = 0
    return heartbeat.call(this, options)
  }
}

interface BrokerPoolInstance {
  metadataExpireAt: number | null
  readonly metadataMaxAge: number
}

export interface BrokerPoolClass {
  readonly prototype: {
    refreshMetadataIfNecessary: (this: BrokerPoolInstance, topics: ReadonlyArray<string>) => Promise<unknown>
  }
}

/** Metadata whose age is not over for longer than it may last were asked for before the clock was set back. */
export const metadataAgesWhateverTheClock = ({ prototype }: BrokerPoolClass): void => {
  const { refreshMetadataIfNecessary } = prototype
  prototype.refreshMetadataIfNecessary = function(topics) {
    // oxlint-disable-next-line eslint/no-restricted-properties -- kafkajs's own clock: metadataExpireAt is counted by it
    if (this.metadataExpireAt !== null && this.metadataExpireAt - Date.now() > this.metadataMaxAge) {
      this.metadataExpireAt = null
    }
    return refreshMetadataIfNecessary.call(this, topics)
  }
}

interface RunnerInstance {
  readonly running: boolean
  readonly fetchManager: { readonly stop: () => Promise<void> }
}

export interface RunnerClass {
  readonly prototype: {
    fetch: (this: RunnerInstance, nodeId: number) => Promise<ReadonlyArray<unknown>>
  }
}

/**
 * Where brokers come or go at the moment at which a consumer stops, its fetchers are made anew behind the stop. Nobody
 * stops those: they get nothing, at once, and ask again, in microtasks alone, so that no timer, signal or request ever has
 * its turn again in the process. Here the first question stops them.
 */
export const fetchersEndWithTheirRunner = ({ prototype }: RunnerClass): void => {
  const { fetch } = prototype
  prototype.fetch = function(nodeId) {
    if (!this.running) void this.fetchManager.stop()
    return fetch.call(this, nodeId)
  }
}
