import fc from "fast-check"
import { randomInt } from "node:crypto"
import { afterAll, assert, beforeAll, it } from "vitest"
import { mariadb } from "../../src/domain/sql/mariadb.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { describeOnEach } from "../servers/index.js"
import { randomRecords } from "../support/avroFields.js"
import { asBatch, comesBack, connectDatabase, type Database } from "../support/roundTrip.js"

// Goal: for any schema that the mapping maps and any values of it, decode, SQL, MySQL and SELECT give the values back.
// Method: schemas at random, each with a table of its own; a case that fails is shrunk, and told with the seed that
// brings it back (`npm run property -- --seed N`). scripts/property.mjs says how many schemas a long run takes.

const schemas = Number(process.env["TRIBUTARY_TEST_PROPERTY_SCHEMAS"] ?? 100)
const seed = Number(process.env["TRIBUTARY_TEST_PROPERTY_SEED"] ?? randomInt(2 ** 31))
const recordsPerSchema = 5
/** Far more than a schema takes, and time to shrink one. */
const timeoutMs = 300_000 + schemas * 1_000

describeOnEach("what was sent comes back", ({ address, label }) => {
  let database: Database
  let close: () => Promise<void>

  beforeAll(async () => {
    const dialect = label === "MySQL" ? mysql : mariadb
    ;({ close, database } = await connectDatabase(address, dialect, `property_${process.pid}`))
  })
  afterAll(() => close())

  it(`${schemas} random schemas, seed ${seed}`, async () => {
    let tried = 0
    const property = fc.asyncProperty(randomRecords(recordsPerSchema).map(asBatch), async (batch) => {
      tried++
      await comesBack(database, batch)
    })
    await fc.assert(property, { numRuns: schemas, seed })
    assert.strictEqual(tried, schemas)
  }, timeoutMs)
})
