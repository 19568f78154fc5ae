import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { tableOf } from "../../src/domain/Config.js"
import { parseGroups } from "../../src/domain/groupsFile.js"
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
