/** One thing that has happened. */
interface Event {
  readonly atMs: number
  readonly who: string
  readonly what: string
}

/** What has happened in a run, a line each; nothing in it comes from this machine or from earlier runs. */
export class Trace {
  readonly isOn: boolean
  readonly events: Array<Event> = []
  /** What processes have said of what they cannot go on with, traced or not: a person reads it (`person.ts`). */
  stops: ReadonlyArray<string> = []
  nowMs: () => number = () => 0

  constructor(isOn: boolean) {
    this.isOn = isOn
  }

  /** The text is made only where somebody is going to read it: most runs are not traced. */
  tell(who: string, what: () => string): void {
    if (this.isOn) this.events.push({ atMs: this.nowMs(), who, what: what() })
  }

  /** An error that a process has logged. */
  hear(message: string): void {
    if (message.includes(" is stopped: ")) this.stops = [...this.stops, message]
  }

  get lines(): ReadonlyArray<string> {
    return this.events.map(({ atMs, who, what }) => `${String(atMs).padStart(8)} ${who.padEnd(12)} ${what}`)
  }
}

/** Those lines that tell of these partitions or of whole processes and servers, the last ones. */
export const shortened = (
  lines: ReadonlyArray<string>,
  places: ReadonlyArray<string>,
  count: number
): ReadonlyArray<string> => {
  const isOther = (line: string) => {
    const [named] = /\b[a-z]+-\d+\b/.exec(line) ?? []
    return named !== undefined && !places.includes(named)
  }
  const chosen = places.length === 0 ? lines : lines.filter((line) => !isOther(line))
  return chosen.slice(-count)
}
