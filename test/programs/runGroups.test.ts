import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { settingsOf, tableOf } from "../../src/domain/Config.js"
import { parseGroups } from "../../src/domain/groupsFile.js"
import { tableFor } from "../../src/domain/tableName.js"
import { unusedFields } from "../../src/programs/groupsFile.js"
import { groupJobs, groupsOf, withTopics } from "../../src/programs/runGroups.js"
import { testConfig } from "../support/pipeline.js"

const entriesOf = (...entries: ReadonlyArray<object>) => Either.getOrThrow(parseGroups(JSON.stringify(entries)))

describe("groups of the main job", () => {
  it("are as many memberships as they have members, each with its group and table", () => {
    const entries = entriesOf(
      { "topic": "a", "group.id": "g", "consumer.no": 2 },
      { "topic": "a", "group.id": "h", "table": "a_of_h" },
      { "topic": "b", "group.id": "g" }
    )
    const jobs = Either.getOrThrow(groupJobs(testConfig(), entries))
    assert.deepStrictEqual(
      jobs.map(({ config, member, topic }) => [member, topic, config.consumerGroup, tableOf(config, topic)]),
      [
        ["consumer-thread-0", "a", "g", "a"],
        ["consumer-thread-1", "a", "g", "a"],
        ["consumer-thread-2", "a", "h", "a_of_h"],
        ["consumer-thread-3", "b", "g", "b"]
      ]
    )
    assert.deepStrictEqual(groupsOf(jobs).map(({ members }) => members), [2, 1, 1])
    const overridden = withTopics({ files: [], environment: {}, secrets: new Map(), overrides: [] }, entries).overrides
    assert.deepStrictEqual(overridden.map(({ name, value }) => [name, value]), [
      ["kafka.topics.regex", ""],
      ["kafka.topics", "a,b"],
      ["consumer.group", "group-${topic}"]
    ])
  })

  it("are refused where two would write the same table", () => {
    const entries = entriesOf({ "topic": "a", "group.id": "g" }, { "topic": "a", "group.id": "h", "table": "A" })
    const refused = Either.getOrThrow(Either.flip(groupJobs(testConfig(), entries)))
    assert.deepStrictEqual(refused.details, [
      "$[1]: group h on a would write to table A, as does group g on a ($[0])"
    ])
    assert.include(refused.cure, "\"table\"")
  })

  it("may share a table where the configuration sends their topics there, each to be read by one group", () => {
    const config = testConfig({ "kafka.topics": "a,b", "topic.to.table.map": "a:both,b:both" })
    const one = entriesOf({ "topic": "a", "group.id": "g" }, { "topic": "b", "group.id": "h" })
    assert.isTrue(Either.isRight(groupJobs(config, one)))
    const two = entriesOf({ "topic": "a", "group.id": "g" }, { "topic": "a", "group.id": "h" })
    assert.isTrue(Either.isLeft(groupJobs(config, two)))
    const named = entriesOf({ "topic": "a", "group.id": "g" }, { "topic": "b", "group.id": "h", "table": "both" })
    assert.isTrue(Either.isLeft(groupJobs(config, named)))
  })

  it("keep a table for each record type", () => {
    const config = testConfig({ "kafka.topics": "a", "table.a.table.name.format": "a_${record}" })
    const [job] = Either.getOrThrow(groupJobs(config, entriesOf({ "topic": "a", "group.id": "g" })))
    const settings = job === undefined ? undefined : settingsOf(job.config, "a")
    assert.strictEqual(settings && tableFor(settings, "a", "com.acme.Order"), "a_Order")
  })

  it("have no sink, and readers no table: the command that has no use for one says where it stands", () => {
    const entries = entriesOf(
      { "topic": "a", "group.id": "g", "sink": "stdout" },
      { "topic": "a", "group.id": "h", "table": "a_of_h" }
    )
    assert.deepStrictEqual(unusedFields("run", "consumer.json", entries), [
      "consumer.json $[0].sink: run writes to the database and leaves stdout out; \"table\" names a table there"
    ])
    assert.deepStrictEqual(unusedFields("read", "consumer.json", entries), [
      "consumer.json $[1].table: read writes no table and leaves a_of_h out; \"sink\" names a file"
    ])
  })
})
