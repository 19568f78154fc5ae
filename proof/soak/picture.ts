import type { Series, Trend } from "./trend.js"

const [width, height, left, top] = [860, 96, 150, 22] as const

const text = (value: number): string =>
  Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1)

const escaped = (label: string): string => label.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const panel = (series: Series, trend: Trend, index: number): string => {
  const values = series.points.map(([, value]) => value)
  const high = Math.max(1, ...values)
  const end = Math.max(1, series.points.at(-1)?.[0] ?? 1)
  const x = (seconds: number) => left + (seconds / end) * (width - left - 20)
  const y = (value: number) => height - 6 - (value / high) * (height - top - 6)
  const line = series.points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ")
  const told = `${text(trend.min)} to ${text(trend.max)} ${series.unit}`
  return `<g transform="translate(0 ${40 + index * (height + 14)})">
<rect x="${left}" y="${top}" width="${width - left - 20}" height="${height - top - 6}" fill="#f6f8fa"/>
<rect x="${x(end / 2)}" y="${top}" width="${(width - left - 20) / 2}" height="${height - top - 6}" fill="#eaeef2"/>
<polyline points="${line}" fill="none" stroke="${trend.flat ? "#0969da" : "#cf222e"}" stroke-width="1.5"/>
<text x="12" y="${top + 14}" font-weight="bold">${escaped(series.name)}</text>
<text x="12" y="${top + 32}">${escaped(told)}</text>
<text x="12" y="${top + 50}">${trend.flat ? "flat" : "grows"} (${text(trend.growth)})</text>
<text x="${left - 6}" y="${top + 8}" text-anchor="end" fill="#57606a">${text(high)}</text>
</g>`
}

/** One panel for each measure, from zero up; the darker half is the one that must be flat. */
export const picture = (
  title: string,
  all: ReadonlyArray<{ readonly series: Series; readonly trend: Trend }>
): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${
    60 + all.length * (height + 14)
  }" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
${all.map(({ series, trend }, index) => panel(series, trend, index)).join("\n")}
</svg>
`
