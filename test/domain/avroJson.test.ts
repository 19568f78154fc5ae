import { assert, it } from "@effect/vitest"
import { avroJson } from "../../src/domain/avroJson.js"

it("a decoded Avro value is JSON on one line, every digit of a long and every byte in it", () => {
  const value = { id: 2n ** 63n - 1n, price: 1.5, name: "a\n\"b\"", raw: Buffer.of(0, 255), parts: [true, null, {}] }
  assert.strictEqual(
    avroJson(value),
    `{"id":9223372036854775807,"price":1.5,"name":"a\\n\\"b\\"","raw":"\\u0000ÿ","parts":[true,null,{}]}`
  )
  assert.strictEqual(avroJson([Number.NaN, -Infinity]), `["NaN","-Infinity"]`)
})
