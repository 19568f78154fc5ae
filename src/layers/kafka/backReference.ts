/** An expansion on its way: each step says how many bytes there are so far. Throws an `Error` that says what is wrong. */
export type ExpandSteps = Generator<number, Uint8Array, void>

/** All steps at once. */
export const allSteps = (steps: ExpandSteps): Uint8Array => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Puts together what has come in parts, of `total` bytes. */
export const joinSteps = function*(parts: ReadonlyArray<Uint8Array>, total: number): ExpandSteps {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const target = new Uint8Array(total)
  let to = 0
  for (const part of parts) {
    target.set(part, to)
    to += part.length
    yield total + to
  }
  return target
}

/** Up to this a loop is faster than a call. */
const loopBytesMax = 64

/** Appends to `target[to]` the `length` bytes at `source[from]`; the caller has checked that they are there and fit. */
export const copyBytes = (source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void => {
  if (length > loopBytesMax) target.set(source.subarray(from, from + length), to)
  else for (let index = 0; index < length; index++) target[to + index] = source[from + index] ?? 0
}

/**
 * Appends to `target[to]` the `length` bytes that begin `distance` before it, as all LZ77 formats do: where the distance
 * is shorter than the length, what was just appended is repeated. Answers the new end. The caller has checked that the
 * bytes are there (1 <= distance <= to) and that there is room.
 */
export const copyBack = (target: Uint8Array, to: number, distance: number, length: number): number => {
  const end = to + length
  if (length <= loopBytesMax) {
    for (let at = to; at < end; at++) target[at] = target[at - distance] ?? 0
    return end
  }
  // The repeated piece doubles with each step, so that a run of one byte costs a few calls however long it is.
  for (let at = to, piece = distance; at < end; at += piece, piece *= 2) {
    target.copyWithin(at, to - distance, to - distance + Math.min(piece, end - at))
  }
  return end
}
