import { tooMuchWork, workMaxOf } from "./work.js"

/** Why bytes are no value of their schema. Thrown while they are read; `makeAvroReader` turns it into its answer. */
export class Malformed extends Error {}

/** Levels of records, arrays and maps inside one another: the 100 that MySQL's JSON has, in a record. */
export const valueDepthMax = 101

const truncated = "it ends before the schema does"

/** Avro's binary encoding (specification 1.12, section Binary Encoding), read from `position` on. */
export class AvroInput {
  position: number
  private readonly bytes: Buffer
  private depth = 0
  private work: number

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes
    this.position = start
    this.work = workMaxOf(bytes.length - start)
  }

  get rest(): number {
    return this.bytes.length - this.position
  }

  /** Goes into a record, array or map; `leave` comes out of it. */
  enter(): void {
    this.depth += 1
    if (this.depth > valueDepthMax) throw new Malformed(`values are nested deeper than ${valueDepthMax}`)
  }

  leave(): void {
    this.depth -= 1
  }

  spend(weight: number): void {
    this.work -= weight
    if (this.work < 0) throw new Malformed(tooMuchWork)
  }

  /** Reads the blocks of an array or a map; `read` reads so many items, each of which weighs `weight`. */
  blocks(weight: number, read: (items: number) => void): void {
    this.enter()
    for (;;) {
      const count = this.size()
      if (count === 0) break
      const length = count < 0 ? this.length() : undefined
      const end = length === undefined ? undefined : this.position + length
      const items = Math.abs(count)
      this.spend(items * weight)
      read(items)
      if (end !== undefined && end !== this.position) throw new Malformed("a block is not as long as it says")
    }
    this.leave()
  }

  boolean(): boolean {
    const byte = this.byte()
    if (byte > 1) throw new Malformed("a boolean is neither 0 nor 1")
    return byte === 1
  }

  int(): number {
    let raw = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    const last = this.byte()
    // Read as the low 32 bits it would be a wrong number.
    if (last > 0x0f) throw new Malformed("an int of more than 32 bits")
    raw |= last << 28
    return (raw >>> 1) ^ -(raw & 1)
  }

  long(): bigint {
    // Up to 49 bits: exact as a double, and much faster than as a bigint.
    let low = 0
    let factor = 1
    for (let count = 0; count < 7; count++) {
      const byte = this.byte()
      low += (byte & 0x7f) * factor
      if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
      factor *= 128
    }
    let high = 0
    for (let shift = 0;; shift += 7) {
      const byte = this.byte()
      high |= (byte & 0x7f) << shift
      if (shift === 14 && byte > 1) throw new Malformed("a long of more than 64 bits")
      if (byte < 0x80) break
    }
    const raw = (BigInt(high) << 49n) | BigInt(low)
    return (raw >> 1n) ^ -(raw & 1n)
  }

  float(): number {
    return this.bytes.readFloatLE(this.take(4))
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8))
  }

  string(): string {
    const length = this.length()
    const start = this.take(length)
    const text = this.bytes.toString("utf8", start, this.position)
    // Decoding puts U+FFFD for what is not UTF-8. Sent as such it is valid: encoded again, the bytes are the same.
    if (text.includes("\ufffd") && !Buffer.from(text).equals(this.bytes.subarray(start, this.position))) {
      throw new Malformed("a string in it is not valid UTF-8")
    }
    return text
  }

  /** A view, not a copy. */
  fixed(size: number): Buffer {
    const start = this.take(size)
    return this.bytes.subarray(start, this.position)
  }

  /** The number of bytes that follow. */
  length(): number {
    const length = this.size()
    if (length < 0) throw new Malformed("a length below zero")
    return length
  }

  /** The index of a branch or symbol, less than `count`. */
  index(count: number, what: string): number {
    const index = this.size()
    if (index < 0 || index >= count) throw new Malformed(`a ${what} that the schema does not have`)
    return index
  }

  /** A long that counts bytes or items: beyond 49 bits it counts more than there can be. */
  private size(): number {
    let raw = 0
    let factor = 1
    for (let count = 0; count < 7; count++) {
      const byte = this.byte()
      raw += (byte & 0x7f) * factor
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      factor *= 128
    }
    throw new Malformed(truncated)
  }

  private byte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw new Malformed(truncated)
    this.position += 1
    return byte
  }

  /** Steps over `count` bytes; answers where they begin. */
  private take(count: number): number {
    const start = this.position
    if (count > this.rest) throw new Malformed(truncated)
    this.position = start + count
    return start
  }
}
