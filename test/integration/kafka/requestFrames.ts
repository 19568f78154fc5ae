/** Cuts what a client sends into its requests: several may come in one piece, and one in several. */
export const requestFrames = (): (chunk: Buffer) => ReadonlyArray<Buffer> => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const requests: Array<Buffer> = []
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0)
      requests.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    return requests
  }
}

/** The API key of a whole request. */
export const apiKeyOf = (request: Buffer): number => request.readInt16BE(4)
