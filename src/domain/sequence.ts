/**
 * A producer's sequence number so many records later: numbers are int32 and begin again at 0 after the largest. -1, the
 * batch has none, stays.
 */
export const sequenceAfter = (sequence: number, count: number): number =>
  sequence < 0 ? -1 : (sequence + count) % 2 ** 31
