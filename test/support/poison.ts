import { WriteError, type WriteRequest } from "../../src/layers/Destination.js"
import type { Fault } from "../../src/layers/memory/MemoryDestination.js"

/** Bytes that no schema has made. */
export const garbage = new TextEncoder().encode("{\"id\": 1}")

/** The rows of these offsets are refused with this error, by a transaction that tries to write one. */
export const refusing =
  (offsets: ReadonlyArray<bigint>, error = new WriteError({ class: "poison", code: 1406, what: "Data too long" })) =>
  ({ expected, letters, next }: WriteRequest): Fault =>
    offsets.some((offset) =>
        offset >= expected && offset < next && !letters.some(({ record }) => record.offset === offset)
      )
      ? { _tag: "Reject", error }
      : { _tag: "None" }
