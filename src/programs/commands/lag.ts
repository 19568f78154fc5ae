import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import type { Ask } from "./ask.js"
import { duration, flag, whole } from "./options.js"

const groups = Args.text({ name: "GROUP" }).pipe(
  Args.withDescription("Consumer groups, also of other programs. None: those of the configured pipeline."),
  Args.repeated
)
const watch = flag("watch", "Show it again and again, with the trend, until it is interrupted.")
/** Each sample asks the brokers for every group and topic that is looked at. */
const intervalMsMin = 50
const interval = (fallback: string) =>
  duration("interval", `Time between two samples. Default ${fallback}.`, intervalMsMin)
/** Long enough for a consumer that commits every five seconds, as Java's does: docs/adr/0013. */
const window = whole("window", 2, 120, 10, "Intervals of the window by which the state is judged.")

const intervalsMs = { watch: 2000, check: 1000 } as const

export const lagCommand = (ask: Ask) =>
  Command.make("lag", {
    groups,
    allGroups: flag("all-groups", "All groups that Kafka knows."),
    watch,
    check: flag("check", "Sample one window (10 s unless told), then exit 2 if a state is ERROR, 0 otherwise."),
    denyWarnings: flag("deny-warnings", "With --check: exit 2 on WARNING too."),
    interval: interval("1s with --check, else 2s"),
    window,
    allowedLag: whole("allowed-lag", 0, 1_000_000_000, 0, "A lag of so many records or less is OK.")
  }, ({ check, interval: intervalMs, watch: watched, ...options }) =>
    ask({
      command: "lag",
      options: {
        ...options,
        watch: watched,
        check,
        intervalMs: intervalMs ?? (check ? intervalsMs.check : intervalsMs.watch)
      }
    })).pipe(
      Command.withDescription("How far consumer groups are behind, in records and in time; whether they keep up.")
    )

export const statusCommand = (ask: Ask) =>
  Command.make(
    "status",
    { watch, interval: interval("2s"), window },
    ({ interval: intervalMs, ...options }) =>
      ask({ command: "status", options: { ...options, intervalMs: intervalMs ?? intervalsMs.watch } })
  ).pipe(
    Command.withDescription("The configured pipeline: its offsets in the database and in Kafka, its lag, its owners.")
  )
