// Loaded into an instance before the program (`node --import`): its wall clock is off by the milliseconds that a file
// holds, and jumps when the file has changed and SIGUSR2 comes, as after a correction by NTP or by hand. The monotonic
// clock goes on evenly, as it does on a real host.
import { readFileSync } from "node:fs"

const file = process.env.TRIBUTARY_CHAOS_CLOCK
const Real = Date
let offsetMs = 0

const read = () => {
  offsetMs = Number(readFileSync(file, "utf8"))
}

if (file !== undefined) {
  read()
  process.on("SIGUSR2", read)
  const now = () => Real.now() + offsetMs
  globalThis.Date = new Proxy(Real, {
    apply: () => new Real(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name))
  })
}
