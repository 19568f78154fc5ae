/** The block functions of lz4js 0.2.0; its frame functions are not used (see lz4.ts). */
declare module "lz4js" {
  /** Largest size that `length` bytes may take when compressed. */
  export function compressBound(length: number): number
  /**
   * Compresses `source[at, at + length)` as one block to the start of `target`; answers its length, 0 where it did not
   * shrink. The table has 65,536 entries, all 0 at the start of an independent block.
   */
  export function compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    at: number,
    length: number,
    hashTable: Uint32Array
  ): number
  /** Expands a block to `target` from `to` on; answers where it ends, beyond `target` if it did not fit. */
  export function decompressBlock(
    source: Uint8Array,
    target: Uint8Array,
    at: number,
    length: number,
    to: number
  ): number
}

declare module "lz4js/xxh32.js" {
  /** XXH32 of `length` bytes from `at` on. */
  export function hash(seed: number, bytes: Uint8Array, at: number, length: number): number
}
