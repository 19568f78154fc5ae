import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** A record as a line of text says it. */
export interface LineRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly partition?: number
  readonly timestampMs?: number
  readonly headers?: ReadonlyArray<readonly [name: string, value: Uint8Array]>
}

const newline = 10
const carriageReturn = 13
const tab = 9

/**
 * Cuts bytes that come in pieces into lines, ended by LF or CR LF; what follows the last one is a line if it is not empty.
 * Bytes, because what is not valid UTF-8 must arrive as it was.
 */
export class LineSplitter {
  private rest: Uint8Array = new Uint8Array()

  /** Lines that this piece ends. */
  push(piece: Uint8Array): ReadonlyArray<Uint8Array> {
    const bytes = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece])
    const lines: Array<Uint8Array> = []
    let start = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      lines.push(bytes.subarray(start, bytes[end - 1] === carriageReturn && end > start ? end - 1 : end))
      start = end + 1
    }
    this.rest = bytes.subarray(start)
    return lines
  }

  /** The line that has not ended; call it when nothing follows. */
  end(): ReadonlyArray<Uint8Array> {
    return this.rest.length === 0 ? [] : [this.rest]
  }

  /** Bytes of the line that has not ended yet. */
  get pendingBytes(): number {
    return this.rest.length
  }
}

/** `key<TAB>value`; a line without a tab is a value without a key. */
export const textRecord = (line: Uint8Array): LineRecord => {
  const at = line.indexOf(tab)
  return at < 0 ? { key: null, value: line } : { key: line.subarray(0, at), value: line.subarray(at + 1) }
}

const JsonLine = Schema.parseJson(Schema.Struct({
  key: Schema.optionalWith(Schema.Unknown, { default: () => null }),
  value: Schema.Unknown,
  partition: Schema.optionalWith(Schema.NonNegativeInt, { exact: true }),
  timestamp: Schema.optionalWith(Schema.NonNegativeInt, { exact: true }),
  headers: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { exact: true })
}))
const decodeJsonLine = Schema.decodeEither(JsonLine, { onExcessProperty: "error" })

/**
 * `{"key": …, "value": …, "partition": 0, "timestamp": 1571987538865, "headers": {"name": "text"}}`, all but the value
 * optional. Text stands for its UTF-8, null for null (as a value: a tombstone), anything else for its JSON.
 */
export const jsonRecord = (line: Uint8Array): Either.Either<LineRecord, string> =>
  Either.flatMap(
    Either.mapLeft(decodeJsonLine(Buffer.from(line).toString()), firstIssue),
    ({ headers, key, partition, timestamp, value }) =>
      losesDigits(key) || losesDigits(value)
        ? Either.left("a whole number beyond 2^53 would lose digits: write it as text")
        : Either.right({
          key: bytesOf(key),
          value: bytesOf(value),
          ...(partition === undefined ? {} : { partition }),
          ...(timestamp === undefined ? {} : { timestampMs: timestamp }),
          ...(headers === undefined
            ? {}
            : { headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const) })
        })
  )

const firstIssue = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return [...(issue?.path.map(String) ?? []), issue?.message ?? "not understood"].join(": ")
}

const losesDigits = (value: unknown): boolean => {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (typeof value !== "object" || value === null) return false
  return Object.values(value).some(losesDigits)
}

const bytesOf = (value: unknown): Uint8Array | null =>
  value === null ? null : Buffer.from(typeof value === "string" ? value : JSON.stringify(value))
