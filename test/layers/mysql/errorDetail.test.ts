import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { detailOf } from "../../../src/layers/mysql/errorDetail.js"
import type { Lane } from "../../../src/layers/mysql/Lane.js"
import { MysqlFailure } from "../../../src/layers/mysql/MysqlFailure.js"

/** What needs the catalog is tested on real servers. */
const noLane: Lane = {
  run: () => Effect.dieMessage("nothing has to be asked"),
  cutIfLate: () => Effect.void,
  isOpen: () => true,
  destroy: Effect.void,
  close: Effect.void
}

const nullIn = (column: string) =>
  new MysqlFailure({
    code: 1048,
    text: `Column '${column}' cannot be null`,
    message: `Column '${column}' cannot be null`,
    fatal: false
  })

describe("NULL in a column that takes none (1048)", () => {
  const insert = "INSERT INTO `orders` (`order_id`,`VALUES`,`Total`,`a``b`) VALUES (1,NULL,NULL,'`id` VALUES')"
  for (
    const [column, present, why] of [
      ["total", true, "the table may spell the column in another case"],
      ["id", false, "the name of another column ends like it, and a value quotes it"],
      ["VALUES", true, "a column may be called like a keyword"],
      ["a`b", true, "a name may hold a back-tick"],
      ["audit", false, "a trigger has written another table"]
    ] as const
  ) {
    it(`in ${column}: the record's own fault? ${present}: ${why}`, () => {
      assert.deepStrictEqual(Effect.runSync(detailOf(noLane, nullIn(column), insert)), { fieldPresent: present })
    })
  }
})
