/**
 * A reader of MySQL's literals, written from the manual (9.1 Literal Values) and sharing nothing with the writer. It
 * stops where the server's lexer would, so that a value which ends its literal early is seen as what it becomes.
 */
export interface Mode {
  /** NO_BACKSLASH_ESCAPES */
  readonly plainBackslash: boolean
  /** ANSI_QUOTES: double quotes enclose names. */
  readonly ansiQuotes: boolean
}

export const modes: ReadonlyArray<Mode> = [false, true].flatMap((plainBackslash) =>
  [false, true].map((ansiQuotes) => ({ plainBackslash, ansiQuotes }))
)

export type Read =
  | { readonly kind: "null" }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "bytes"; readonly hex: string }

export interface At {
  readonly read: Read
  /** Where the literal ends. */
  readonly end: number
}

const escapes: Readonly<Record<string, string>> = {
  "0": "\0",
  b: "\b",
  n: "\n",
  r: "\r",
  t: "\t",
  Z: "\u001a",
  "%": "\\%",
  _: "\\_"
}

const quoted = (sql: string, start: number, mode: Mode): At | undefined => {
  const quote = sql.charAt(start)
  let text = ""
  for (let at = start + 1; at < sql.length; at++) {
    const char = sql.charAt(at)
    if (char === "\\" && !mode.plainBackslash) {
      at += 1
      if (at >= sql.length) return undefined
      text += escapes[sql.charAt(at)] ?? sql.charAt(at)
    } else if (char !== quote) {
      text += char
    } else if (sql.charAt(at + 1) === quote) {
      text += quote
      at += 1
    } else {
      return { read: { kind: "string", text }, end: at + 1 }
    }
  }
  return undefined
}

const hexadecimal = /(_utf8mb4 )?x'((?:[0-9a-f]{2})*)'/iy
const number = /-?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?/iy

/** The literal that begins at `start`; undefined where none does. */
export const readLiteral = (sql: string, start: number, mode: Mode): At | undefined => {
  const first = sql.charAt(start)
  if (first === "'" || (first === "\"" && !mode.ansiQuotes)) return quoted(sql, start, mode)
  if (sql.startsWith("NULL", start)) return { read: { kind: "null" }, end: start + 4 }
  hexadecimal.lastIndex = start
  const hex = hexadecimal.exec(sql)
  if (hex !== null) {
    const [all, introducer, digits = ""] = hex
    const end = start + all.length
    return introducer === undefined
      ? { read: { kind: "bytes", hex: digits }, end }
      : { read: { kind: "string", text: Buffer.from(digits, "hex").toString("utf8") }, end }
  }
  number.lastIndex = start
  const digits = number.exec(sql)
  return digits === null ? undefined : { read: { kind: "number", text: digits[0] }, end: start + digits[0].length }
}

/** All literals of one row `(…,…)`; undefined where the text is not exactly one row. */
export const readRow = (sql: string, mode: Mode): ReadonlyArray<Read> | undefined => {
  const row: Array<Read> = []
  let at = 0
  if (sql.charAt(at) !== "(") return undefined
  do {
    const literal = readLiteral(sql, at + 1, mode)
    if (literal === undefined) return undefined
    row.push(literal.read)
    at = literal.end
  } while (sql.charAt(at) === ",")
  return sql.charAt(at) === ")" && at + 1 === sql.length ? row : undefined
}
