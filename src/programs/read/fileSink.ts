import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin } from "../../layers/Admin.js"
import type { CommandError } from "../exitCodes.js"
import { type Backoff, throughOutage } from "../outage.js"
import { commandError } from "../serviceErrors.js"
import type { Render } from "./formats.js"
import { attempt, positionOf, type Positions, syncFolder, unfit, writePositions } from "./positionsFile.js"
import { type FileEnding, type FileMark, fileName, firstFile } from "./rotation.js"
import type { Sink, Sinks } from "./sink.js"

export interface FileSinkOptions {
  readonly folder: string
  readonly ending: FileEnding
  /** First line of every file; "" for none. */
  readonly head: string
  readonly render: Render
  /** A file that would grow beyond this is followed by another. A single longer row comes whole all the same. */
  readonly rotateBytes: number | undefined
  readonly backoff: Backoff
}

interface OpenFile {
  readonly file: FileSystem.File
  readonly scope: Scope.CloseableScope
}

/**
 * Files of rows, one for each member, and the positions of all partitions beside them. Per poll: the rows are appended and
 * synced; then one atomic step makes them count, together with the position behind them; then the caller commits. Whatever
 * a kill interrupts is either before that step, and is cut off and read again, or behind it, and is never read again
 * (ADR 0011).
 *
 * The positions are the folder's and not a member's, and one write follows the other: a partition that has moved to
 * another member goes on behind the rows of the first, and of a member that does not know yet that it has lost a
 * partition, what another one has written meanwhile is dropped.
 */
export const makeFileSinks = (
  options: FileSinkOptions,
  recovered: Positions
): Effect.Effect<Sinks, never, FileSystem.FileSystem | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    const { folder, rotateBytes } = options
    const services = yield* Effect.context<FileSystem.FileSystem>()
    const admin = yield* Admin
    const folderScope = yield* Effect.scope
    const oneAtATime = yield* Effect.makeSemaphore(1)
    const opened = new Map<string, OpenFile>()
    let positions = recovered
    let broken: CommandError | undefined

    const change = <A>(apply: Effect.Effect<A, CommandError, FileSystem.FileSystem>): Effect.Effect<A, CommandError> =>
      Effect.suspend(() => broken === undefined ? apply : broken).pipe(
        // Half a write that is left behind would count as a whole one with the next.
        Effect.tapError((error) => Effect.sync(() => broken = error)),
        Effect.uninterruptible,
        oneAtATime.withPermits(1),
        Effect.provide(services)
      )

    const save = (next: Positions) =>
      Effect.tap(writePositions(folder, next), () => Effect.sync(() => positions = next))

    const openFile = (member: string, { bytes, number }: FileMark) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = `${folder}/${fileName(member, number, options.ending)}`
        const scope = yield* Scope.fork(folderScope, ExecutionStrategy.sequential)
        const file = yield* attempt(path, Scope.extend(fs.open(path, { flag: "a" }), scope))
        if (bytes === 0) yield* syncFolder(folder)
        opened.set(member, { file, scope })
        return { file, path }
      })

    const closeFile = (member: string) =>
      Effect.suspend(() => {
        const open = opened.get(member)
        opened.delete(member)
        return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
      })

    /** Appends text to the member's file and answers when it is on the disk. */
    const append = (member: string, mark: FileMark, text: Uint8Array) =>
      Effect.gen(function*() {
        const path = `${folder}/${fileName(member, mark.number, options.ending)}`
        const { file } = opened.get(member) ?? (yield* openFile(member, mark))
        yield* attempt(path, Effect.zipRight(file.writeAll(text), file.sync))
      })

    const appendAll = (member: string, rows: ReadonlyArray<string>) =>
      Effect.gen(function*() {
        let mark = positions.files[member] ?? firstFile
        for (const part of split(rows, mark, options.head, rotateBytes)) {
          if (part.mark.number !== mark.number) yield* closeFile(member)
          yield* append(member, part.mark, part.bytes)
          mark = { number: part.mark.number, bytes: part.mark.bytes + part.bytes.length }
        }
        return mark
      })

    const write: (member: string) => Sink["write"] = (member) => (records) =>
      Effect.flatMap(options.render(records), (texts) =>
        change(Effect.gen(function*() {
          const { rows, topics } = unwritten(positions, records, texts)
          if (topics === positions.topics) return
          const mark = rows.length === 0 ? positions.files[member] : yield* appendAll(member, rows)
          const files = mark === undefined ? positions.files : { ...positions.files, [member]: mark }
          yield* save({ ...positions, files, topics })
        })))

    // Stored before the first record is read: a group without an offset could begin elsewhere the next time.
    const begin: Sink["begin"] = (topic, starts) =>
      Effect.gen(function*() {
        const look = Effect.all([admin.describeTopic(topic), admin.logRanges(topic)])
        const [{ topicId }, ranges] = yield* throughOutage(topic, options.backoff, look, ["KafkaUnavailable"]).pipe(
          Effect.mapError(commandError)
        )
        yield* checkLife(folder, topic, topicId, ranges, positions.topics[topic])
        yield* change(Effect.suspend(() => {
          const known = positions.topics[topic]?.positions ?? {}
          const added = [...starts].filter(([partition]) => known[partition] === undefined)
          if (added.length === 0) return Effect.void
          const all = { ...known, ...Object.fromEntries(added) }
          return save({ ...positions, topics: { ...positions.topics, [topic]: { id: topicId, positions: all } } })
        }))
        const own = Array.from(
          starts,
          ([partition, start]) => [partition, positionOf(positions, topic, partition) ?? start] as const
        )
        for (const [partition, position] of own) {
          const start = starts.get(partition)
          if (start === position) continue
          yield* Effect.logInfo(`${topic}-${partition} goes on at ${position}, where ${folder} ends, not at ${start}`)
        }
        return new Map(own)
      })

    return (member) => ({ begin, write: write(member) })
  })

/** Offsets of another life of the topic mean other records: going on would leave out or mix. */
const checkLife = (
  folder: string,
  topic: string,
  topicId: string,
  ranges: ReadonlyArray<LogRange>,
  known: Positions["topics"][string] | undefined
): Effect.Effect<void, CommandError> => {
  if (known === undefined) return Effect.void
  const beyond = ranges.find(({ end, partition }) => (known.positions[partition] ?? 0n) > end)
  const anotherLife = known.id !== "" && topicId !== "" && known.id !== topicId
  if (beyond === undefined && !anotherLife) return Effect.void
  const position = beyond === undefined ? undefined : known.positions[beyond.partition]
  return unfit({
    what: `${folder} holds records of another life of topic ${topic}`,
    where: beyond === undefined ? folder : `${topic}-${beyond.partition}`,
    why: beyond === undefined
      ? `the topic was deleted and created again: its id was ${known.id} and is ${topicId}`
      : `the files go up to offset ${position}, and the log ends at ${beyond.end}`,
    cure: "write to another folder, or move this one away"
  })
}

/** The rows that are not in a file yet, and the positions behind them. The same `topics` where there is nothing to do. */
const unwritten = (
  before: Positions,
  records: ReadonlyArray<ConsumerRecord>,
  texts: ReadonlyArray<string | undefined>
): { readonly rows: ReadonlyArray<string>; readonly topics: Positions["topics"] } => {
  const rows: Array<string> = []
  const moved = new Map<string, Map<string, bigint>>()
  for (const [index, { offset, partition, topic }] of records.entries()) {
    let positions = moved.get(topic)
    if (positions === undefined) {
      moved.set(topic, positions = new Map(Object.entries(before.topics[topic]?.positions ?? {})))
    }
    if (offset < (positions.get(String(partition)) ?? 0n)) continue
    positions.set(String(partition), offset + 1n)
    const text = texts[index]
    if (text !== undefined) rows.push(text)
  }
  if (moved.size === 0) return { rows, topics: before.topics }
  const topics = Object.fromEntries(
    Array.from(moved, ([topic, positions]) => [
      topic,
      { id: before.topics[topic]?.id ?? "", positions: Object.fromEntries(positions) }
    ])
  )
  return { rows, topics: { ...before.topics, ...topics } }
}

interface Part {
  /** Where it begins. */
  readonly mark: FileMark
  readonly bytes: Uint8Array
}

/** What goes to which file: rows one after the other, the head before the first row of each. */
const split = (
  rows: ReadonlyArray<string>,
  from: FileMark,
  head: string,
  rotateBytes = Number.MAX_SAFE_INTEGER
): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  let mark = from
  let text = from.bytes === 0 ? head : ""
  let length = from.bytes + Buffer.byteLength(text)
  let hasRow = from.bytes > 0
  for (const row of rows) {
    const rowBytes = Buffer.byteLength(row)
    if (hasRow && length + rowBytes > rotateBytes) {
      if (text !== "") parts.push({ mark, bytes: Buffer.from(text) })
      mark = { number: mark.number + 1, bytes: 0 }
      text = head
      length = Buffer.byteLength(head)
    }
    text += row
    length += rowBytes
    hasRow = true
  }
  parts.push({ mark, bytes: Buffer.from(text) })
  return parts
}
