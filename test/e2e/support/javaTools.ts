import { spawn } from "node:child_process"
import { join } from "node:path"

export interface JavaTool {
  /** Kafka's jars. */
  readonly jars: string
  /** The class that a script of the distribution starts. */
  readonly tool: string
  readonly args: ReadonlyArray<string>
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a tool of Kafka's own distribution to its end; answers what it has printed. */
export const runJavaTool = async ({ args, env = {}, input = "", jars, tool }: JavaTool): Promise<string> => {
  const child = spawn("java", ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", join(jars, "*"), tool, ...args], {
    env: { ...process.env, ...env }
  })
  let printed = ""
  let errors = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
  child.stdin.on("error", () => {}) // the exit code tells
  const code = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  child.stdin.end(input)
  if (await code !== 0 || /\bERROR\b/.test(errors)) throw new Error(`${tool} has failed:\n${errors}\n${printed}`)
  return printed
}

/** Lines of the console producer. */
export const produceByJava = async (
  { brokers, jars, lines, topic }: {
    readonly jars: string
    readonly brokers: string
    readonly topic: string
    readonly lines: ReadonlyArray<string>
  }
): Promise<void> => {
  await runJavaTool({
    jars,
    tool: "org.apache.kafka.tools.ConsoleProducer",
    args: ["--bootstrap-server", brokers, "--topic", topic],
    input: lines.map((line) => `${line}\n`).join("")
  })
}

/** What `kafka-consumer-groups --describe` shows as committed, as `group topic-partition`; where nothing is, it is absent. */
export const committedByJava = async (
  { brokers, groups, jars }: {
    readonly jars: string
    readonly brokers: string
    readonly groups: ReadonlyArray<string>
  }
): Promise<ReadonlyMap<string, number>> => {
  const printed = await runJavaTool({
    jars,
    tool: "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    args: ["--bootstrap-server", brokers, "--describe", ...groups.flatMap((group) => ["--group", group])]
  })
  return new Map(
    printed.split("\n").flatMap((line) => {
      const [group = "", topic = "", partition = "", committed = ""] = line.trim().split(/\s+/)
      return /^\d+$/.test(partition) && /^\d+$/.test(committed)
        ? [[`${group} ${topic}-${partition}`, Number(committed)] as const]
        : []
    })
  )
}
