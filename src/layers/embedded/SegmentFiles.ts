import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type FileHandle, open } from "node:fs/promises"
import { framesOf } from "../../domain/logDump/frames.js"
import { type RawPiece, SegmentFiles, SegmentUnreadable } from "../RawLog.js"

/** Bytes read at once. A longer batch is read as a whole; nothing else of the file is held meanwhile. */
export const pieceBytes = 1024 * 1024

export const layer: Layer.Layer<SegmentFiles> = Layer.succeed(
  SegmentFiles,
  SegmentFiles.of({ pieces: (file) => segmentPieces(file) })
)

/** The file up to the size that it has when it is opened: what is appended meanwhile would make it endless. */
export const segmentPieces = (file: string): Stream.Stream<RawPiece, SegmentUnreadable> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const handle = yield* Effect.acquireRelease(
      attempt(file, () => open(file, "r")),
      (opened) => Effect.ignoreLogged(attempt(file, () => opened.close()))
    )
    const { size } = yield* attempt(file, () => handle.stat())
    return Stream.unfoldEffect(0, (position) =>
      position >= size
        ? Effect.succeed(Option.none())
        : Effect.map(pieceAt({ file, handle, size }, position), (piece) => {
          const next = piece.rest === undefined ? position + piece.bytes.length : size
          return Option.some([piece, next] as const)
        }))
  }))

interface Segment {
  readonly file: string
  readonly handle: FileHandle
  readonly size: number
}

const pieceAt = Effect.fnUntraced(function*(segment: Segment, position: number) {
  const left = segment.size - position
  for (let wanted = pieceBytes;;) {
    const bytes = yield* readAt(segment, position, Math.min(wanted, left))
    const { lengths, rest } = framesOf(bytes)
    const whole = lengths.reduce((sum, length) => sum + length, 0)
    if (whole > 0) return { bytes: bytes.subarray(0, whole), position } satisfies RawPiece
    if (rest.kind === "cut" && rest.bytes <= left && bytes.length === Math.min(wanted, left)) {
      wanted = rest.bytes
      continue
    }
    const reason = rest.kind === "noise" ? rest.reason : "the file ends before the batch does"
    return { bytes: bytes.subarray(0, 0), position, rest: { bytes: left, reason } } satisfies RawPiece
  }
})

const readAt = Effect.fnUntraced(function*({ file, handle }: Segment, position: number, length: number) {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = yield* attempt(file, () => handle.read(bytes, filled, length - filled, position + filled))
    // Shorter than it was a moment ago.
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
})

const attempt = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, SegmentUnreadable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new SegmentUnreadable({
        file,
        cause,
        reason: Either.match(decodeCode(cause), { onLeft: () => String(cause), onRight: ({ code }) => code })
      })
  })

const decodeCode = Schema.decodeUnknownEither(Schema.Struct({ code: Schema.String }))
