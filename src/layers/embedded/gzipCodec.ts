import * as Either from "effect/Either"
import { gunzipSync, gzipSync } from "node:zlib"
import type { BatchCodec } from "../../domain/batchRecords.js"

/** Kafka's compression 1. Synchronous: a batch is small, and a reader wants its records before it goes on. */
export const gzipCodec: BatchCodec = {
  code: 1,
  compress: (bytes) => gzipSync(bytes),
  decompress: (bytes, bytesMax) =>
    Either.try({
      try: () => gunzipSync(bytes, { maxOutputLength: bytesMax }),
      catch: (cause) => `gzip: ${cause instanceof Error ? cause.message : String(cause)}`
    })
}
