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

interface RequestQueueInstance {
  throttleCheckTimeoutId: NodeJS.Timeout | null
  readonly throttledUntil: number
  readonly pending: ReadonlyArray<unknown>
  checkPendingRequests(): void
}

export interface RequestQueueClass {
  readonly prototype: { scheduleCheckPendingRequests: (this: RequestQueueInstance) => void }
}

/** How long a request waits that found too many others in flight; each answer looks again anyway (kafkajs's number). */
const checkAgainMs = 10

/**
 * Since 2.2.4 every connection sets a timer that sets itself again for ever, with a negative delay: 1,800 timers per
 * second on an idle consumer, and a TimeoutNegativeWarning on Node 24 (tulios/kafkajs#1556, #1704, #1751). A timer is
 * needed only while requests wait or the broker throttles.
 */
export const withoutTimerLoop = (queue: RequestQueueClass): void => {
  queue.prototype.scheduleCheckPendingRequests = function() {
    if (this.throttleCheckTimeoutId !== null) return
    // oxlint-disable-next-line eslint/no-restricted-properties -- kafkajs's own clock: throttledUntil is counted by it
    const waitMs = this.throttledUntil - Date.now()
    if (waitMs <= 0 && this.pending.length === 0) return
    // oxlint-disable-next-line eslint/no-restricted-globals -- inside kafkajs, where no Effect runs
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, waitMs > 0 ? waitMs : checkAgainMs)
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
