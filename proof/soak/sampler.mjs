// Loaded into the program by `node --import`: writes down what it holds, without any change of the program. A full
// collection comes first, so that the heap is what lives; fibers are counted as the engine finds them on the heap.
import * as Effect from "effect/Effect"
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { queryObjects, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

const everyMs = Number(new URL(import.meta.url).searchParams.get("everyMs"))
setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc")
const Fiber = Effect.runFork(Effect.void).constructor

const switches = () => Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1])

setInterval(() => {
  // The run says when the program has started: a full collection while its modules are still loaded stalls their import.
  if (!existsSync("sample")) return
  const fibers = queryObjects(Fiber, { format: "count" })
  collect()
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage()
  const sample = {
    at: Date.now(),
    heap: heapUsed,
    buffers: arrayBuffers,
    resident: rss,
    fibers,
    active: process.getActiveResourcesInfo().filter((kind) => kind !== "Immediate").length,
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
    switches: switches()
  }
  appendFileSync("samples.jsonl", `${JSON.stringify(sample)}\n`)
}, everyMs).unref()
