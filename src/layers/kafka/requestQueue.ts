/**
 * Corrections of the queue of requests that each connection of kafkajs 2.2.4 has: when a request that is not answered
 * ends, and how long the next ones wait. On them hangs whether a client on a dead connection ever goes on.
 */
import type { Socket } from "node:net"
import { NoAnswer } from "./sockets.js"

interface Request {
  readonly requestTimeout: number
  timeoutRequest(): void
}

export interface RequestQueueInstance {
  readonly enforceRequestTimeout: boolean
  readonly requestTimeout: number
  readonly maxInFlightRequests: number | null
  readonly inflight: ReadonlyMap<number, Request>
  readonly pending: ReadonlyArray<unknown>
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}

export interface RequestQueueClass {
  readonly prototype: {
    push: (this: RequestQueueInstance, request: object) => void
    scheduleRequestTimeoutCheck: (this: RequestQueueInstance) => void
    maybeThrottle: (this: RequestQueueInstance, ms: number | null | undefined) => void
    canSendSocketRequestImmediately: (this: RequestQueueInstance) => boolean
    scheduleCheckPendingRequests: (this: RequestQueueInstance) => void
  }
}

interface ConnectionInstance {
  readonly requestQueue: RequestQueueInstance
  readonly socket?: Socket
}

export interface ConnectionClass {
  readonly prototype: { connect: (this: ConnectionInstance) => Promise<unknown> }
}

/** How often it is looked whether a request has taken too long (kafkajs's number). */
const lookEveryMs = 100

/**
 * Every request ends by its time-out, and with it a connection on which the broker says nothing. kafkajs goes on to use
 * such a connection: on one that has gone dead without a word each request to come waits as long, heartbeats and the
 * search for another coordinator too, until the kernel gives it up after a quarter of an hour. But a broker answers a
 * connection's requests one after the other: what has waited behind another, such as a join that waits for other members,
 * says nothing.
 *
 * The timer runs while anything is in flight or waits. In kafkajs it ends with the connection, before what was sent on it
 * has (as in tulios/kafkajs#918 and #1167); and it counts by the wall clock, by which a request lasts an hour longer when
 * that is set back by an hour.
 */
export const requestsEndInTime = (
  { prototype }: RequestQueueClass,
  { prototype: connections }: ConnectionClass
): void => {
  const watched = new WeakSet<RequestQueueInstance>()
  const connectionOf = new WeakMap<RequestQueueInstance, ConnectionInstance>()
  const { connect } = connections
  connections.connect = function() {
    connectionOf.set(this.requestQueue, this)
    return connect.call(this)
  }
  const { push } = prototype
  const watch = (queue: RequestQueueInstance) => {
    if (!queue.enforceRequestTimeout || watched.has(queue)) return
    watched.add(queue)
    const since = new WeakMap<Request, number>()
    const timer = setInterval(() => {
      const now = performance.now()
      const [first] = queue.inflight.values()
      for (const request of queue.inflight.values()) {
        const sinceMs = since.get(request)
        if (sinceMs === undefined) since.set(request, now)
        else if (now - sinceMs > request.requestTimeout) {
          request.timeoutRequest()
          if (request === first) connectionOf.get(queue)?.socket?.destroy(new NoAnswer())
        }
      }
      if (queue.inflight.size > 0 || queue.pending.length > 0) return
      clearInterval(timer)
      watched.delete(queue)
    }, Math.min(queue.requestTimeout, lookEveryMs))
  }
  prototype.push = function(request) {
    push.call(this, request)
    watch(this)
  }
  prototype.scheduleRequestTimeoutCheck = () => {}
}

/** How long a request waits that found too many others in flight; each answer looks again anyway (kafkajs's number). */
const checkAgainMs = 10

/** A broker's throttling lasts as long as the broker has said, whatever becomes of the wall clock meanwhile. */
export const throttlesByElapsedTime = ({ prototype }: RequestQueueClass): void => {
  prototype.maybeThrottle = function(ms) {
    if (ms !== null && ms !== undefined && ms > 0) {
      this.throttledUntil = Math.max(performance.now() + ms, this.throttledUntil)
    }
  }
  prototype.canSendSocketRequestImmediately = function() {
    const isFull = this.maxInFlightRequests !== null && this.inflight.size >= this.maxInFlightRequests
    return !isFull && this.throttledUntil <= performance.now()
  }
}

/**
 * Since 2.2.4 every connection sets a timer that sets itself again for ever, with a negative delay: 1,800 timers per
 * second on an idle consumer, and a TimeoutNegativeWarning on Node 24 (tulios/kafkajs#1556, #1704, #1751). A timer is
 * needed only while requests wait or the broker throttles.
 */
export const withoutTimerLoop = ({ prototype }: RequestQueueClass): void => {
  prototype.scheduleCheckPendingRequests = function() {
    if (this.throttleCheckTimeoutId !== null) return
    const waitMs = this.throttledUntil - performance.now()
    if (waitMs <= 0 && this.pending.length === 0) return
    // oxlint-disable-next-line eslint/no-restricted-globals -- inside kafkajs, where no Effect runs
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, waitMs > 0 ? waitMs : checkAgainMs)
  }
}
