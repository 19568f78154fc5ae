// Loaded into the program by `node --import`: writes down what it holds, without any change of the program. Fibers
// are counted as the engine finds them on the heap, after a full collection, so that the heap is what lives.
import * as Effect from "effect/Effect"
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { queryObjects } from "node:v8"

const everyMs = Number(new URL(import.meta.url).searchParams.get("everyMs"))
const Fiber = Effect.runFork(Effect.void).constructor

const switches = () => Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1])

/** To look at a heap stops everything else. A sample that took long, on a busy machine, lets the program live first. */
const restShare = 40

const next = (tookMs) => setTimeout(look, Math.max(everyMs, restShare * tookMs)).unref()

const look = () => {
  // The run says when the program has started: looking at the heap while modules are loaded stalls their import.
  if (!existsSync("sample")) return next(0)
  const began = performance.now()
  const fibers = queryObjects(Fiber, { format: "count" })
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
  next(performance.now() - began)
}

next(0)
