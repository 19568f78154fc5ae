/** Zigzag variable-length integers of Kafka's record format (those of Protocol Buffers' sint32 and sint64). */

/** Reads on from `position`; `position` becomes NaN as soon as the bytes end or a number is longer than it may be. */
export class VarintReader {
  position: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.position = start
    this.#end = end
  }

  /** Whether everything that was read so far was there. */
  get intact(): boolean {
    return this.position <= this.#end
  }

  /** A signed 32-bit number in at most five bytes. */
  int(): number {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next()
      raw |= (byte & 0x7f) << shift
      if ((byte & 0x80) === 0) return (raw >>> 1) ^ -(raw & 1)
    }
    this.position = Number.NaN
    return 0
  }

  /** A signed 64-bit number in at most ten bytes. */
  long(): bigint {
    // Numbers below 2^49 are read without bigint: time deltas are small, and this runs once per record.
    let low = 0
    let factor = 1
    for (let count = 0; count < 7; count++) {
      const byte = this.#next()
      low += (byte & 0x7f) * factor
      if ((byte & 0x80) === 0) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
      factor *= 128
    }
    let raw = BigInt(low)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#next()
      raw |= BigInt(byte & 0x7f) << shift
      if ((byte & 0x80) === 0) return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n))
    }
    this.position = Number.NaN
    return 0n
  }

  /** `length` bytes as a view on the input, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.position
    this.position = start + length
    if (length < 0 || !this.intact) {
      this.position = Number.NaN
      return emptyBytes
    }
    return this.#bytes.subarray(start, this.position)
  }

  #next(): number {
    const position = this.position
    if (!(position < this.#end)) {
      this.position = Number.NaN
      return 0
    }
    this.position = position + 1
    return this.#bytes[position] ?? 0
  }
}

/** Appends to a buffer that grows by doubling. */
export class VarintWriter {
  #bytes = new Uint8Array(1024)
  length = 0

  int(value: number): void {
    this.#reserve(5)
    let raw = ((value << 1) ^ (value >> 31)) >>> 0
    while (raw > 0x7f) {
      this.#bytes[this.length++] = (raw & 0x7f) | 0x80
      raw >>>= 7
    }
    this.#bytes[this.length++] = raw
  }

  long(value: bigint): void {
    this.#reserve(10)
    let raw = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (raw > 0x7fn) {
      this.#bytes[this.length++] = Number(raw & 0x7fn) | 0x80
      raw >>= 7n
    }
    this.#bytes[this.length++] = Number(raw)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.length++] = value
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.length)
    this.length += value.length
  }

  /** What was written, as a view that the next write may overwrite. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count))
    grown.set(this.written)
    this.#bytes = grown
  }
}

const emptyBytes = new Uint8Array(0)
