import type { LabEvent, Observed } from "../experiment.js"
import { escaped } from "./html.js"

const width = 880
const height = 260
const left = 52
const right = 12
const top = 26
const bottom = 34

/** Events that get a line of their own; commits and assignments are many. */
const told: Readonly<Partial<Record<LabEvent["kind"], string>>> = {
  start: "start",
  stop: "SIGTERM",
  kill: "kill -9",
  freeze: "SIGSTOP",
  thaw: "SIGCONT"
}

/** Numbers upwards, time to the right: a repetition is a step back, a loss is a hole. */
export const timeline = (observed: Observed, label: string): string => {
  const { delivery, events, processed } = observed
  const times = [...processed.map(({ atMs }) => atMs), ...events.map(({ atMs }) => atMs)]
  const from = times.reduce((least, atMs) => Math.min(least, atMs), Number.POSITIVE_INFINITY)
  const to = times.reduce((most, atMs) => Math.max(most, atMs), from + 1)
  const most = Math.max(delivery.produced, ...delivery.lost.slice(-1), 1)
  const x = (atMs: number) => rounded(left + ((atMs - from) / (to - from)) * (width - left - right))
  const y = (id: number) => rounded(height - bottom - (id / most) * (height - top - bottom))

  const description =
    `${label}: ${delivery.produced} produced, ${delivery.lost.length} lost, ${delivery.repeated.length} repeated`
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(description)}">`,
    `<line class="axis" x1="${left}" y1="${height - bottom}" x2="${width - right}" y2="${height - bottom}"/>`,
    `<line class="axis" x1="${left}" y1="${top}" x2="${left}" y2="${height - bottom}"/>`,
    `<text x="${left - 6}" y="${y(most) + 4}" text-anchor="end">${most}</text>`,
    `<text x="${left - 6}" y="${y(0)}" text-anchor="end">0</text>`,
    `<text x="${left}" y="${height - 6}">0 s</text>`,
    `<text x="${width - right}" y="${height - 6}" text-anchor="end">${duration(to - from)}</text>`,
    ...eventLines(events, x),
    ...delivery.lost.map((id) => `<line class="lost" x1="${left - 4}" x2="${left + 10}" y1="${y(id)}" y2="${y(id)}"/>`),
    ...dots(observed, x, y),
    "</svg>"
  ].join("\n")
}

const eventLines = (events: ReadonlyArray<LabEvent>, x: (atMs: number) => number): ReadonlyArray<string> => {
  const commits = new Set<number>()
  let labelled = Number.NEGATIVE_INFINITY
  return events.flatMap(({ atMs, kind, lane, text }) => {
    const at = x(atMs)
    const title = `<title>${escaped(`${lane}: ${text}`)}</title>`
    if (kind === "committed") {
      // Below the axis, one for each pixel.
      if (commits.has(Math.round(at))) return []
      commits.add(Math.round(at))
      return [
        `<line class="commit" x1="${at}" x2="${at}" y1="${height - bottom + 2}" y2="${
          height - bottom + 9
        }">${title}</line>`
      ]
    }
    const name = told[kind]
    if (name === undefined) return []
    const line = `<line class="event ${kind}" x1="${at}" x2="${at}" y1="${top - 6}" y2="${
      height - bottom
    }">${title}</line>`
    const close = at - labelled < 48
    if (!close) labelled = at
    const anchor = at > width - 80 ? "end" : "start"
    return [line, ...(close ? [] : [`<text x="${at}" y="${top - 10}" text-anchor="${anchor}">${name}</text>`])]
  })
}

/** One dot for each pixel: ten thousand would only make the page heavy. */
const dots = (
  { processed }: Observed,
  x: (atMs: number) => number,
  y: (id: number) => number
): ReadonlyArray<string> => {
  const seen = new Set<number>()
  const drawn = new Set<string>()
  return processed.flatMap(({ atMs, id }) => {
    const kind = seen.has(id) ? "again" : "first"
    seen.add(id)
    const place = `${Math.round(x(atMs))} ${Math.round(y(id))} ${kind}`
    if (drawn.has(place)) return []
    drawn.add(place)
    return [`<circle class="${kind}" cx="${x(atMs)}" cy="${y(id)}" r="2"/>`]
  })
}

const rounded = (pixels: number): number => Math.round(pixels * 10) / 10

const duration = (ms: number): string =>
  ms >= 7_200_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 1000)} s`
