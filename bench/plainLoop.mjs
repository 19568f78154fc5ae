// The loop that everybody writes first: kafkajs, avsc, mysql2; one multi-row INSERT for each fetched batch, offsets
// committed to Kafka afterwards. At-least-once. Arguments: broker, group, topic, MySQL URL, table, number of records.
import { Kafka, logLevel } from "kafkajs"
import mysql from "mysql2/promise"
import { columns, type } from "./records.mjs"

const [broker, groupId, topic, url, table, total] = process.argv.slice(2)
const database = mysql.createPool({ uri: url, connectionLimit: 4 })
const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
let done = 0
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 3,
  eachBatch: async ({ batch }) => {
    const rows = batch.messages.map(({ value }) => {
      const record = type.fromBuffer(value.subarray(5))
      return columns.map((name) => record[name])
    })
    await database.query(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ?`, [rows])
    const offset = String(BigInt(batch.lastOffset()) + 1n)
    await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
    done += rows.length
    if (done >= Number(total)) process.exit(0)
  }
})
