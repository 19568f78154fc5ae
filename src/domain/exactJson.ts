import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { setOwn } from "./ownProperty.js"

/** Brackets inside one another; a schema of `schemaDepthMax` types needs three for each. */
const depthMax = 256

/** Why a text is not JSON. Thrown while it is read; `parseExactJson` turns it into its answer. */
class NotJson extends Error {}

/**
 * Reads JSON without losing digits: an integer that a number cannot hold is a bigint. Names stay names, also
 * `__proto__`; of one that stands twice the last counts. The platform's own parser rounds, and its reviver sees the text
 * of numbers only from Node 22 on. A text of more than `valuesMax` values is refused; a name in an object counts twice,
 * a string with escapes five times.
 */
export const parseExactJson = (text: string, valuesMax = Infinity): Either.Either<unknown, string> => {
  try {
    return Either.right(new Parser(text, valuesMax).whole())
  } catch (cause) {
    if (cause instanceof NotJson) return Either.left(cause.message)
    throw cause
  }
}

/** Longer integers are no longs, and cost more than their length to read as a bigint. */
const digitsMax = 40

const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const word = /true|false|null/y
const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null }
const decodeString = Schema.decodeEither(Schema.parseJson(Schema.String))
/** Of a string with escapes, beside its own: how many other values take as long. */
const escapedWeight = 4
/** As many digits are always a safe integer. */
const smallDigits = 15

/** What JSON allows in a string as it stands: all but the control characters, the quote and the back-slash. */
const controls = /[^ -\uffff]/

class Parser {
  private at = 0
  private readonly text: string
  private values: number

  constructor(text: string, valuesMax: number) {
    this.text = text
    this.values = valuesMax
  }

  whole(): unknown {
    const value = this.value(0)
    return this.next() === "" ? value : this.fail()
  }

  /** The character that follows white space; "" at the end. */
  private next(): string {
    for (;; this.at++) {
      const code = this.text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.text.charAt(this.at)
    }
  }

  private fail(): never {
    throw new NotJson(`it is not JSON, at character ${this.at + 1}`)
  }

  private spend(values: number): void {
    this.values -= values
    if (this.values < 0) throw new NotJson("it holds more values than a record may")
  }

  private value(depth: number): unknown {
    this.spend(1)
    if (depth > depthMax) throw new NotJson(`its brackets are nested deeper than ${depthMax}`)
    switch (this.next()) {
      case "{": {
        const object: Record<string, unknown> = {}
        this.sequence("}", () => {
          if (this.next() !== "\"") this.fail()
          const name = this.string()
          if (this.next() !== ":") this.fail()
          this.at += 1
          this.spend(2)
          setOwn(object, name, this.value(depth + 1))
        })
        return object
      }
      case "[": {
        const items: Array<unknown> = []
        this.sequence("]", () => items.push(this.value(depth + 1)))
        return items
      }
      case "\"":
        return this.string()
      case "t":
      case "f":
      case "n":
        return words[this.token(word)[0]]
      default:
        return this.smallInteger() ?? this.number()
    }
  }

  private sequence(close: string, one: () => void): void {
    this.at += 1
    if (this.next() !== close) {
      for (;;) {
        one()
        const after = this.next()
        if (after === close) break
        if (after !== ",") this.fail()
        this.at += 1
      }
    }
    this.at += 1
  }

  private token(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text) ?? this.fail()
    this.at = pattern.lastIndex
    return found
  }

  /** What most numbers are, without the pattern for all of them; undefined where it is another. */
  private smallInteger(): number | undefined {
    let value = 0
    let at = this.at
    for (; at - this.at <= smallDigits; at++) {
      const code = this.text.charCodeAt(at)
      if (!(code >= 0x30 && code <= 0x39)) break
      value = value * 10 + code - 0x30
    }
    const digits = at - this.at
    const after = this.text.charCodeAt(at)
    if (digits === 0 || digits > smallDigits || after === 0x2e || (after | 0x20) === 0x65) return undefined
    if (digits > 1 && this.text.charCodeAt(this.at) === 0x30) return undefined
    this.at = at
    return value
  }

  private number(): number | bigint {
    const [digits, fraction, exponent] = this.token(number)
    const value = Number(digits)
    const whole = fraction === undefined && exponent === undefined
    return whole && !Number.isSafeInteger(value) && digits.length <= digitsMax ? BigInt(digits) : value
  }

  private string(): string {
    const start = this.at
    let end = start
    let escaped = false
    do {
      end = this.text.indexOf("\"", end + 1)
      if (end < 0) this.fail()
    } while (this.isEscaped(end) && (escaped = true))
    this.at = end + 1
    const inside = this.text.slice(start + 1, end)
    if (!escaped && !inside.includes("\\")) {
      if (controls.test(inside)) this.fail()
      return inside
    }
    this.spend(escapedWeight)
    return Either.getOrElse(decodeString(this.text.slice(start, this.at)), () => this.fail())
  }

  /** Whether the quote at `end` belongs to the string: an odd number of back-slashes is before it. */
  private isEscaped(end: number): boolean {
    let before = end
    while (this.text.charCodeAt(before - 1) === 0x5c) before -= 1
    return (end - before) % 2 === 1
  }
}
