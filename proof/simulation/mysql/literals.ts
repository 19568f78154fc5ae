/** `column = value`, the value decoded. */
export type Condition = readonly [column: string, value: string]

const hexText = /^_utf8mb4 x'([0-9a-f]*)'$/u

/** What a literal says: text for text, and for everything else what is written. */
export const decoded = (literal: string): string => {
  if (literal.startsWith("'")) return literal.slice(1, -1)
  const hex = hexText.exec(literal)?.[1]
  return hex === undefined ? literal : Buffer.from(hex, "hex").toString("utf8")
}

/** A list of literals. None of production's holds a comma: text with other than the plainest characters is in hex. */
export const literals = (list: string): ReadonlyArray<string> => list.split(", ").map(decoded)

const equation = /(?:\b\w\.)?`?(\w+)`? = ('[^']*'|_utf8mb4 x'[0-9a-f]*'|\d+)/gu

/** All equations in a text. */
export const conditions = (text: string): ReadonlyArray<Condition> =>
  [...text.matchAll(equation)].map(([, column = "", value = ""]) => [column, decoded(value)])

export const conditionsAfterWhere = (text: string): ReadonlyArray<Condition> =>
  conditions(text.slice(text.indexOf(" WHERE ")))

export const valueOf = (where: ReadonlyArray<Condition>, column: string): string | undefined =>
  where.find(([name]) => name === column)?.[1]
