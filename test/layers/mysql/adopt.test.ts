import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { CatalogTable } from "../../../src/domain/sql/CatalogTable.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { decideOwnTable } from "../../../src/layers/mysql/adopt.js"
import type { Lane } from "../../../src/layers/mysql/Lane.js"
import { deadLetters } from "../../../src/layers/mysql/ownTables.js"
import { catalogColumn, catalogTable } from "../../support/catalogTables.js"

/** Only `kafka_offsets` is looked into. */
const noLane: Lane = {
  run: () => Effect.dieMessage("nothing has to be asked"),
  cutIfLate: () => Effect.void,
  isOpen: () => true,
  destroy: Effect.void,
  close: Effect.void
}

const index = (name: string, columns: ReadonlyArray<string>, whole = true) => ({ name, columns, whole })
const primary = index("PRIMARY", ["id"])
const origin = index("origin", ["partition", "SOURCE_ID", "offset"])

/** As Tributary makes it, but for what is given. */
const letters = (over: Partial<CatalogTable> = {}): CatalogTable =>
  catalogTable(
    deadLetters.columns.map(({ collation, columnType, name, nullable }) =>
      catalogColumn(name, columnType, {
        collation,
        nullable: nullable === true,
        hasDefault: name === "attempts" || name === "created_at",
        extra: name === "id" ? "auto_increment" : ""
      })
    ),
    { primaryKey: ["id"], uniqueIndexes: [primary, origin], ...over }
  )

const decide = (found: CatalogTable) => Effect.runSync(Effect.either(decideOwnTable(noLane, mysql, deadLetters)(found)))

const refusals: ReadonlyArray<readonly [what: string, found: CatalogTable, says: RegExp, cure: RegExp]> = [
  [
    "without its unique key",
    letters({ uniqueIndexes: [primary] }),
    /no unique key on \(source_id, partition, offset\)/,
    /ADD UNIQUE KEY `dead_letters_origin` \(`source_id`, `partition`, `offset`\);/
  ],
  [
    "whose unique key takes the beginning of a column only",
    letters({ uniqueIndexes: [primary, { ...origin, whole: false }] }),
    /no unique key/,
    /ADD UNIQUE KEY/
  ],
  [
    "with a unique index in which different records meet",
    letters({ uniqueIndexes: [primary, origin, index("one_per_topic", ["topic"])] }),
    /unique index one_per_topic/,
    /DROP INDEX `one_per_topic`;/
  ],
  [
    "of somebody else",
    catalogTable([catalogColumn("id", "int"), catalogColumn("body", "text")]),
    /not Tributary's: it has no column topic, partition, offset/,
    /rename it, or give Tributary a database of its own/
  ],
  [
    "with a column that every letter would have to fill",
    letters({ columns: [...letters().columns, catalogColumn("team", "varchar(20)", { nullable: false })] }),
    /column team of dead_letters is NOT NULL without a default/,
    /MODIFY COLUMN `team` varchar\(20\) NULL;/
  ],
  ["without transactions", letters({ engine: "MyISAM" }), /has engine MyISAM/, /ENGINE=InnoDB;/],
  ["that is a view", letters({ type: "VIEW" }), /dead_letters is a view/, /rename it/]
]

describe("a table dead_letters that is there already", () => {
  it("as Tributary makes it is taken as it is", () => {
    const decided = decide(letters())
    assert.deepStrictEqual(decided._tag === "Right" ? decided.right : decided.left.message, undefined)
  })

  for (const [what, found, says, cure] of refusals) {
    it(`${what} stops the start, with a cure`, () => {
      const decided = decide(found)
      if (decided._tag === "Right" || decided.left._tag !== "DestinationRefused") return assert.fail("not refused")
      assert.match(decided.left.what, says)
      assert.match(decided.left.cure, cure)
    })
  }
})
