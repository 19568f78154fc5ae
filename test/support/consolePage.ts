// A page with blocks such as
//
//   ```console
//   $ tributary lab list
//   EXPERIMENT   …
//   ```
//
// holds exactly what each command has printed, on both outputs. Compared with a new run, only what differs from run to run
// is masked: times, durations and rates, and the numbers and names that a broker gives out. A block marked
// `console unordered` is of several members or partitions, or of a clock: its lines come in any order and any number of
// times, and which member gets which partition is not compared, nor when.

export interface ConsoleBlock {
  readonly command: string
  readonly output: string
  readonly unordered: boolean
}

const blocks = /^(```console( unordered)?\n\$ ([^\n]*)\n)([^]*?)^```$/gm

export const consoleBlocks = (page: string): ReadonlyArray<ConsoleBlock> =>
  [...page.matchAll(blocks)].map(([, , mark, command = "", output = ""]) => ({
    command,
    output,
    unordered: mark !== undefined
  }))

/** The page with new outputs, in the order of its blocks. One that differs only in what is masked stays as it was. */
export const withOutputs = (page: string, outputs: ReadonlyArray<string>): string => {
  let index = 0
  return page.replace(blocks, (block: string, head: string, mark: string | undefined, _: string, output: string) => {
    const current = outputs[index++] ?? ""
    const unordered = mark !== undefined
    return comparable(output, unordered) === comparable(current, unordered) ? block : `${head}${current}\`\`\``
  })
}

const masks: ReadonlyArray<readonly [what: RegExp, instead: string]> = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/\b1\d{12}\b/g, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<id>"],
  [/\(took \d+ ms\)/g, "(took <duration>)"],
  [/\b(open-ms|commit-ms)=\d+/g, "$1=<duration>"],
  [/\b(producerId|crc): \d+/g, "$1: <number>"],
  [/^(\d+ records sent), .* 99th, /gm, "$1, <rates>, "],
  // TOPIC RECORDS PARTITIONS BYTES SECONDS RECORDS/S ERRORS
  [/^(\S+ +\d+ +\d+ +\d+) +\d+\.\d +\d+( +\d+)$/gm, "$1 <rate>$2"],
  // GROUP TOPIC PART COMMITTED END LAG TIME-LAG OWNER STATE
  [/^(\S+ +\S+ +\d+ +\d+ +\d+ +\d+) +[\d.]+ \w+( +\S+ +\S+)$/gm, "$1 <duration>$2"],
  // A producer that takes longer than a second says how far it is.
  [/^.* INFO tributary\.Producer - produced \d+.*\n/gm, ""],
  // --metrics
  [/\b((?:records|fetch|commit|rebalance)-[\w-]+ is) (?:NaN|[\d.]+)$/gm, "$1 <measure>"]
]

/** What two runs of a command have in common. */
export const comparable = (output: string, unordered = false): string => {
  const masked = masks.reduce((text, [what, instead]) => text.replace(what, instead), output)
  if (!unordered) return masked
  const lines = masked.replace(/\bconsumer-thread-\d+/g, "consumer-thread-N").split("\n")
    .filter((line) => !/\b(?:Assigned|Revoked|Lost) partitions\./.test(line))
  return [...new Set(lines)].toSorted().join("\n")
}
