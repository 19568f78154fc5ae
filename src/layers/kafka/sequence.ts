/** Sequence numbers of a producer's records in one partition are int32 and start again at 0 after the last one. */
export const sequenceAfter = (sequence: number, count: number): number => (sequence + count) % 2 ** 31
