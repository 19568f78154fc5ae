import { assert, describe, it } from "@effect/vitest"
import { session } from "../../../src/layers/mysql/session.js"

// Each of these has a reason in protocol section 2. What a server makes of them is shown on real ones
// (test/integration/mysql); that none is missing, also where servers happen to have it by default, is shown here.
describe("the text that leads every transaction", () => {
  it("begins with the end of what may be open: START TRANSACTION would commit it", () =>
    assert.match(session(), /^ROLLBACK; /))

  it("puts the connection in a known state", () => {
    for (
      const setting of [
        "autocommit=1",
        "sql_mode='TRADITIONAL'",
        "sql_notes=1",
        "time_zone='+00:00'",
        "character_set_client=utf8mb4",
        "character_set_connection=utf8mb4",
        "character_set_results=utf8mb4"
      ]
    ) assert.include(session(), setting)
    assert.match(session(), /; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED$/)
    assert.match(session({ isolation: "REPEATABLE READ" }), /LEVEL REPEATABLE READ$/)
  })

  it("bounds every wait", () => {
    assert.include(session(), "lock_wait_timeout=10, innodb_lock_wait_timeout=5, wait_timeout=60")
    assert.include(session({ lockWaitS: 1, metadataLockWaitS: 2 }), "lock_wait_timeout=2, innodb_lock_wait_timeout=1")
  })
})
