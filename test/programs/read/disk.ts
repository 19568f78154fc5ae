import { FileSystem } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { Effect, Layer, Option } from "effect"

interface Inode {
  content: Buffer
  synced: Buffer
}

const failure = (reason: "NotFound" | "Unknown", pathOrDescriptor: string, description: string) =>
  new SystemError({ reason, module: "FileSystem", method: "write", pathOrDescriptor, description })

const none = { mtime: Option.none(), atime: Option.none(), birthtime: Option.none(), blksize: Option.none() }
const noNumbers = { ino: Option.none(), nlink: Option.none(), uid: Option.none(), gid: Option.none() }
const info = {
  type: "File",
  ...none,
  ...noNumbers,
  dev: 0,
  mode: 0,
  rdev: Option.none(),
  blocks: Option.none()
} as const

const notUsed = Effect.dieMessage("not used")
const unused: FileSystem.File = {
  [FileSystem.FileTypeId]: FileSystem.FileTypeId,
  fd: FileSystem.FileDescriptor(0),
  stat: notUsed,
  seek: () => notUsed,
  sync: notUsed,
  read: () => notUsed,
  readAlloc: () => notUsed,
  truncate: () => notUsed,
  write: () => notUsed,
  writeAll: () => notUsed
}

/** What a killed process dies with: nothing of it happens any more. */
export class Killed extends Error {}

/**
 * A disk on which a process can be killed between any two operations and inside a write between any two bytes, and which
 * forgets at a power cut what was not synced: contents by `sync` of their file, names by `sync` of their folder.
 */
export class Disk {
  /** Operations and bytes that still go through. */
  budget = Number.MAX_SAFE_INTEGER
  steps = 0
  /** No byte can be written. */
  full = false
  private names = new Map<string, Inode>()
  private syncedNames = new Map<string, Inode>()

  private step(): void {
    if (this.budget-- <= 0) throw new Killed()
    this.steps++
  }

  /** The disk as it is found after a kill, or after a power cut. */
  after(event: "kill" | "power cut"): Disk {
    const disk = new Disk()
    for (const [name, { content, synced }] of event === "kill" ? this.names : this.syncedNames) {
      disk.put(name, event === "kill" ? content : synced)
    }
    return disk
  }

  /** All files of the name's ending, by name. */
  texts(ending: string): ReadonlyMap<string, string> {
    return new Map(
      [...this.names].filter(([name]) => name.endsWith(ending)).map(([name, { content }]) => [name, content.toString()])
    )
  }

  put(name: string, content: Buffer): void {
    this.names.set(name, { content, synced: content })
    this.syncedNames = new Map(this.names)
  }

  remove(name: string): void {
    this.names.delete(name)
    this.syncedNames.delete(name)
  }

  private file(name: string, flag: string): FileSystem.File {
    if (flag === "r") {
      const sync = Effect.sync(() => {
        this.step()
        this.syncedNames = new Map(this.names)
      })
      return { ...unused, sync }
    }
    this.step()
    const inode = this.names.get(name) ?? { content: Buffer.alloc(0), synced: Buffer.alloc(0) }
    this.names.set(name, inode)
    if (flag === "w") inode.content = Buffer.alloc(0)
    return {
      ...unused,
      writeAll: (bytes) =>
        Effect.suspend(() => {
          if (this.full) return failure("Unknown", name, "no space left")
          // Of a file that only a rename makes real, it does not matter at which byte it ends.
          const part = name.endsWith(".new") ? 50 : 1
          for (let at = 0; at < bytes.length; at += part) {
            this.step()
            inode.content = Buffer.concat([inode.content, bytes.subarray(at, at + part)])
          }
          return Effect.void
        }),
      sync: Effect.sync(() => {
        this.step()
        inode.synced = inode.content
      }),
      truncate: (length = 0) =>
        Effect.sync(() => {
          this.step()
          inode.content = inode.content.subarray(0, Number(length))
        })
    }
  }

  private found(name: string): Effect.Effect<Inode, SystemError> {
    return Effect.suspend(() => {
      const inode = this.names.get(name)
      return inode === undefined
        ? failure("NotFound", name, "no such file")
        : Effect.succeed(inode)
    })
  }

  readonly layer: Layer.Layer<FileSystem.FileSystem> = Layer.succeed(
    FileSystem.FileSystem,
    FileSystem.makeNoop({
      makeDirectory: () => Effect.void,
      readDirectory: (folder) =>
        Effect.sync(() => [...this.names.keys()].map((name) => name.replace(`${folder}/`, ""))),
      exists: (name) => Effect.sync(() => this.names.has(name)),
      readFileString: (name) => Effect.map(this.found(name), ({ content }) => content.toString()),
      open: (name, options) => Effect.sync(() => this.file(name, options?.flag ?? "r")),
      stat: (name) =>
        Effect.map(this.found(name), ({ content }) => ({ ...info, size: FileSystem.Size(content.length) })),
      rename: (from, to) =>
        Effect.map(this.found(from), (inode) => {
          this.step()
          this.names.delete(from)
          this.names.set(to, inode)
        }),
      remove: (name) =>
        Effect.sync(() => {
          this.step()
          this.names.delete(name)
        })
    })
  )
}
