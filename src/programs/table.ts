import Table from "cli-table3"

const none = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": "  "
} as const

/** Columns under their heads, without borders or colour, so that it reads well and cuts well. Numbers stand right. */
export const table = (
  columns: ReadonlyArray<{ readonly head: string; readonly align?: "left" | "right" }>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): string => {
  const lines = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align = "left" }) => align),
    chars: none,
    style: { "head": [], "border": [], "padding-left": 0, "padding-right": 0 }
  })
  lines.push(...rows.map((row) => Array.from(row)))
  return lines.toString().split("\n").map((line) => line.trimEnd()).join("\n")
}
