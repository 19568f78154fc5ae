import { parseArgs } from "node:util"
import { mebibyte } from "./promise.js"

export interface Options {
  readonly partitions: number
  /** Records that wait while the database stands still. */
  readonly megabytes: number
  readonly recordBytes: number
  /** How long nothing more comes after all records are in Kafka. */
  readonly holdSeconds: number
  readonly queueMaxBytes: number
  readonly gzip: boolean
}

const usage = `npm run memory [-- OPTIONS]
  --partitions N     50
  --megabytes N      512: records that wait while the database stands still
  --record-bytes N   1024
  --hold-seconds N   120: how long it stands still after all of them are in Kafka
  --queue-bytes N    33554432: queue.max.bytes
  --gzip             compressed batches`

const wrong = (reason: string): never => {
  console.error(`${reason}\n${usage}`)
  process.exit(64)
}

const read = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        partitions: { type: "string", default: "50" },
        megabytes: { type: "string", default: "512" },
        "record-bytes": { type: "string", default: "1024" },
        "hold-seconds": { type: "string", default: "120" },
        "queue-bytes": { type: "string", default: String(32 * mebibyte) },
        gzip: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

export const parseOptions = (args: ReadonlyArray<string>): Options => {
  const values = read(args)
  const number = (name: Exclude<keyof typeof values, "gzip">, min: number): number => {
    const text = values[name]
    return /^\d+$/.test(text) && Number(text) >= min
      ? Number(text)
      : wrong(`--${name} ${text} is no number from ${min}`)
  }
  return {
    partitions: number("partitions", 1),
    megabytes: number("megabytes", 1),
    recordBytes: number("record-bytes", 40),
    holdSeconds: number("hold-seconds", 1),
    queueMaxBytes: number("queue-bytes", 65_536),
    gzip: values.gzip
  }
}
