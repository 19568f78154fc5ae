import { type Mutation, unit } from "../Mutation.js"

const library = "src/layers/kafka/library.ts"
const queue = "src/layers/kafka/requestQueue.ts"
const client = "src/layers/kafka/client.ts"
const requests = "layers/kafka/requestQueue"
const patches = "layers/kafka/patches"

const neverSetBack = "its wall clock is never set back"

/** What kafkajs is corrected in, and the clock by which everything is counted. The simulated cluster needs no client. */
export const correcting: ReadonlyArray<Mutation> = [
  {
    id: "kafkajs-version",
    mechanism: "any other version of kafkajs than the one that is corrected is refused",
    promise: "a correction never meets a source that it was not made for",
    edits: [{ file: "src/layers/kafka/patches.ts", find: "version !== supported", replace: "version === \"\"" }],
    simulated: "not in it",
    tests: [unit(patches, "refuses any other version of kafkajs, and names both")]
  },
  {
    id: "request-ends",
    mechanism: "a request ends by its time-out, also when its connection has ended before",
    promise: "no request that nobody will answer is waited for for ever",
    edits: [{ file: library, find: "requestsEndInTime(RequestQueue, Connection)\n", replace: "" }],
    simulated: "not in it",
    tests: [
      unit(
        requests,
        "a request ends by its time-out though its connection has come to its end, and who waits for all answers goes on"
      )
    ]
  },
  {
    id: "silent-connection",
    mechanism: "a connection on which nothing was answered in time is given up",
    promise: "a half-open connection costs one time-out, not one for each request until the kernel notices",
    edits: [{
      file: queue,
      find: "          if (request === first) connectionOf.get(queue)?.socket?.destroy(new NoAnswer())\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [unit(requests, "a connection on which nothing was answered in time is given up")]
  },
  {
    id: "silent-broker",
    mechanism: "with a silent connection the others to the same broker are given up",
    promise: "a half-open connection costs one time-out, not one for each request until the kernel notices",
    edits: [{
      file: "src/layers/kafka/sockets.ts",
      find: "      if (error instanceof NoAnswer) cutOff(error, address)\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [unit(requests, "a connection on which nothing was answered in time is given up, with the other")]
  },
  {
    id: "behind-a-join",
    mechanism: "a connection is not given up for a request that has waited behind another",
    promise: "a join that waits for other members is not cut off by what is asked meanwhile",
    edits: [{ file: queue, find: "if (request === first) connectionOf", replace: "connectionOf" }],
    simulated: "not in it",
    tests: [unit(requests, "but not for a request that has waited behind one that may take longer")]
  },
  {
    id: "connected-when-ready",
    mechanism: "a broker counts as connected when it can be sent to",
    promise: "a broker that hangs is an outage, not a mistake that stops its topics",
    edits: [{ file: library, find: "connectedOnceItCanSend(BrokerOfKafkajs)\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(patches, "a broker that takes connections and answers nothing is not connected")]
  },
  {
    id: "retries-without-end",
    mechanism: "kafkajs's retries, which no success resets, have no end",
    promise: "any number of short outages leaves a consumer alive",
    edits: [{ file: client, find: "retries: Number.MAX_SAFE_INTEGER", replace: "retries: 200" }],
    simulated: "not in it",
    tests: [unit(patches, "a retry counter that no success resets never ends the client")]
  },
  {
    id: "retry-wait-bound",
    mechanism: "kafkajs's waits between retries, which no success resets, stay below a second or so",
    promise: "a broker that is back is noticed within a second or so, also after a night of short outages",
    edits: [{ file: client, find: "maxRetryTime: 1000", replace: "maxRetryTime: 30_000" }],
    simulated: "not in it",
    tests: [unit(patches, "and its wait never grows beyond a second or so")]
  },
  {
    id: "elapsed",
    mechanism: "durations, deadlines and ages are counted by a clock that only goes forward",
    promise: "a wall clock that is set back makes nothing wait",
    edits: [{
      file: "src/layers/elapsed.ts",
      find: "Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)",
      replace: "clock.unsafeCurrentTimeMillis()"
    }],
    simulated: "not in it",
    because: neverSetBack,
    tests: [
      unit("layers/elapsed", "a statement that is never answered is cut at its deadline"),
      unit("layers/elapsed", "goes on evenly on the real clock while the wall clock is set back by a day")
    ]
  },
  {
    id: "elapsed-requests",
    mechanism: "kafkajs's requests time out by a clock that only goes forward",
    promise: "a wall clock that is set back makes nothing wait",
    edits: [{ file: queue, find: "const now = performance.now()", replace: "const now = Date.now()" }],
    simulated: "not in it",
    tests: [unit(requests, "a wall clock that jumps back by a day neither keeps a request nor ends it")]
  },
  {
    id: "elapsed-throttle",
    mechanism: "a broker's throttling is counted by a clock that only goes forward",
    promise: "a wall clock that is set back makes nothing wait",
    edits: [
      { file: queue, find: "Math.max(performance.now() + ms", replace: "Math.max(Date.now() + ms" },
      { file: queue, find: "this.throttledUntil <= performance.now()", replace: "this.throttledUntil <= Date.now()" },
      { file: queue, find: "this.throttledUntil - performance.now()", replace: "this.throttledUntil - Date.now()" }
    ],
    simulated: "not in it",
    tests: [unit(requests, "nor does one that jumps back change how long a broker throttles")]
  },
  {
    id: "elapsed-heartbeats",
    mechanism: "a heartbeat that lies in the future counts as long ago",
    promise: "a wall clock that is set back does not cost the membership",
    edits: [{ file: library, find: "heartbeatsWhateverTheClock(ConsumerGroup)\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(requests, "heartbeats go on after the wall clock was set back")]
  },
  {
    id: "elapsed-metadata",
    mechanism: "metadata that would be fresh for longer than metadata may be are old",
    promise: "a wall clock that is set back does not hide that a leader has moved",
    edits: [{ file: library, find: "metadataAgesWhateverTheClock(BrokerPool)\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(requests, "metadata grows old after the wall clock was set back")]
  },
  {
    id: "must-join",
    mechanism: "a member whose generation has ended, and which its coordinator goes on to accept, joins again",
    promise: "no member of a group reads nothing for good",
    edits: [{
      file: "src/layers/kafka/brokers.ts",
      find: "    if (hooks.mustJoin()) throw errorOfCode(rebalanceInProgressCode)\n",
      replace: ""
    }],
    simulated: "not in it",
    tests: [
      unit("layers/kafka/brokers", "is REBALANCE_IN_PROGRESS where it is accepted though the generation has ended")
    ]
  },
  {
    id: "fetchers-end",
    mechanism: "the fetchers of a consumer that has stopped end, also such as were made while it stopped",
    promise: "a process that is told to stop ends",
    edits: [{ file: library, find: "fetchersEndWithTheirRunner(Runner)\n", replace: "" }],
    simulated: "not in it",
    tests: [unit(patches, "a consumer that stops while brokers come has no fetcher left that asks for ever")]
  }
]
