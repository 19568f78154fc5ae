import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { framesOf, nextOffset } from "../../domain/logDump/frames.js"
import { KafkaRefused } from "../Consumer.js"
import { RawLog } from "../RawLog.js"
import { segmentFile } from "./logFolder.js"
import { segmentPieces } from "./SegmentFiles.js"

/** The log in the folder `root`: each partition is one segment file, so that positions are the file's own. */
export const layer = (root: string): Layer.Layer<RawLog> =>
  Layer.succeed(
    RawLog,
    RawLog.of({
      pieces: ({ from, partition, to, topic }) =>
        segmentPieces(segmentFile(root, topic, partition)).pipe(
          Stream.map((piece) => ({ piece, next: nextOffset(piece.bytes, framesOf(piece.bytes)) })),
          // Behind the end there may be what a producer is writing now; it does not belong to the log yet.
          Stream.takeUntil(({ next }) => next !== undefined && next >= to),
          Stream.filter(({ next, piece }) => piece.rest !== undefined || (next !== undefined && next > from)),
          Stream.map(({ piece }) => piece),
          Stream.mapError((error) =>
            new KafkaRefused({ what: error.message, cure: "make the folder readable", cause: error })
          )
        )
    })
  )
