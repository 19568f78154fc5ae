import { execFile } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it, onTestFinished } from "vitest"
import { type ConsumerRecord, javaDate, javaLine, textOf } from "../../src/domain/consumerRecord.js"
import { kafkaJars } from "../e2e/support/java.js"

const of = (
  value: string | null,
  key: string | null,
  headers: ConsumerRecord["headers"],
  offset = 0n
): ConsumerRecord => ({
  topic: "out",
  partition: 3,
  offset,
  timestampMs: 1571987538865,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers
})

const records = [
  of("EVENT(aa,bb)", null, []),
  of(null, "k", [["h", Buffer.of(1, 2, 128, 255)], ["h", Buffer.alloc(0)], ["n", null]], 2n ** 62n),
  of("", "schlüssel €", [["ü", Buffer.from("x")]]),
  of("a\tb", "", [])
]

const bytes = (value: Uint8Array | null) =>
  value === null ? "null" : `new byte[] {${Array.from(value, (byte) => (byte << 24) >> 24).join(",")}}`

/** What the client's consumer does: strings from bytes, the sizes beside them, headers that may still be changed. */
const program = `
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
public class Print {
  static String text(byte[] bytes) { return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8); }
  static void print(String topic, int partition, long offset, long time, byte[] key, byte[] value, RecordHeaders headers) {
    System.out.println(new ConsumerRecord<>(topic, partition, offset, time, TimestampType.CREATE_TIME,
      key == null ? -1 : key.length, value == null ? -1 : value.length, text(key), text(value), headers, Optional.empty()));
  }
  public static void main(String[] args) throws Exception {
    System.setOut(new java.io.PrintStream(System.out, true, "UTF-8"));
    System.out.println(new java.util.Date(1571987538865L));
${
  records.map(({ headers, key, offset, partition, timestampMs, topic, value }) => {
    const added = headers.map(([name, bytesOf]) => `.add("${name}", ${bytes(bytesOf)})`).join("")
    const all = `(RecordHeaders) new RecordHeaders()${added}`
    return `    print("${topic}", ${partition}, ${offset}L, ${timestampMs}L, ${bytes(key)}, ${bytes(value)}, ${all});`
  }).join("\n")
}
  }
}
`

const jars = kafkaJars()

const body = () => {
  it(
    "is that of the Java client, whose newer versions put the leader epoch in",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "tributary java "))
      onTestFinished(() => rm(folder, { recursive: true, force: true }))
      const source = join(folder, "Print.java")
      writeFileSync(source, program)
      const args = [
        "-Duser.timezone=UTC",
        "-XX:TieredStopAtLevel=1",
        "-Dfile.encoding=UTF-8",
        "-cp",
        join(jars ?? "", "*")
      ]
      const { stdout } = await promisify(execFile)("java", [...args, source])
      const [date, ...lines] = stdout.trimEnd().split("\n")
      assert.deepStrictEqual(
        lines.map((line) => line.replace(/(?:leaderEpoch|deliveryCount) = (?:null|-?\d+), /g, "")),
        records.map((record) => javaLine(record, record.value === null ? null : textOf(record.value)))
      )
      assert.strictEqual(javaDate(1571987538865), date)
    },
    180_000
  )
}

if (jars === undefined) describe.skip("the line of a record (left out: Kafka's own jars are not here)", body)
else describe("the line of a record", body)
