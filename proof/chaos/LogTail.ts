import { closeSync, fstatSync, openSync, readSync } from "node:fs"

/** What the lines of an instance tell of what the faults have done to it. */
export const signs = {
  assigned: /partitions assigned: \d/,
  lost: /partitions lost:/,
  acquired: /acquired at offset/,
  fenced: /fenced: another owner/,
  unknown: /outcome of a commit is unknown/,
  outages: /trying again until it works/,
  recoveries: /works again after/,
  brokersLost: /broker \S+ is not reachable/,
  deadMembersRemoved: /removed the member of a dead process/,
  backpressure: /Backpressure/i
} as const

export type Sign = keyof typeof signs
export const signNames: ReadonlyArray<Sign> = [
  "assigned",
  "lost",
  "acquired",
  "fenced",
  "unknown",
  "outages",
  "recoveries",
  "brokersLost",
  "deadMembersRemoved",
  "backpressure"
]

/**
 * Only a bug makes it write these: a crash's code, a stack trace, an error that nobody has handled, a warning of Node's, a
 * stopped partition.
 */
const bug = /TRB-7000|^\s+at |Unhandled|^\(node:\d+\)| ERROR /

export interface LogTail {
  /** Reads what has come since. */
  readonly poll: () => void
  readonly bugs: ReadonlyArray<string>
  /** The most records that a queue held when it blocked. */
  readonly queuedMax: () => number
  readonly lines: () => number
  readonly bytes: () => number
}

/** At most this with each look, so that a log that grows faster holds up nothing else. */
const pieceBytes = 1 << 22
const bugsMax = 20

/** Reads a growing log once, whatever its size. */
export const tailLog = (file: string, count: (sign: Sign) => void): LogTail => {
  const bugs: Array<string> = []
  const piece = Buffer.alloc(64 * 1024)
  let at = 0
  let lines = 0
  let queuedMax = 0
  let rest = ""
  const take = (line: string) => {
    lines += 1
    queuedMax = Math.max(queuedMax, Number(/Backpressure .* queued=(\d+)/.exec(line)?.[1] ?? 0))
    for (const name of signNames) if (signs[name].test(line)) count(name)
    if (bug.test(line) && bugs.length < bugsMax) bugs.push(line)
  }
  const poll = () => {
    const opened = openSync(file, "r")
    try {
      for (let left = Math.min(fstatSync(opened).size - at, pieceBytes); left > 0;) {
        const read = readSync(opened, piece, 0, Math.min(piece.length, left), at)
        if (read === 0) return
        at += read
        left -= read
        const parts = (rest + piece.toString("utf8", 0, read)).split("\n")
        rest = parts.pop() ?? ""
        parts.forEach(take)
      }
    } finally {
      closeSync(opened)
    }
  }
  return { poll, bugs, queuedMax: () => queuedMax, lines: () => lines, bytes: () => at }
}
