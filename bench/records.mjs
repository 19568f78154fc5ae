import avsc from "avsc"

/** One record of eight fields, some 70 bytes: the shape that the other published figures use. */
export const schema = {
  type: "record",
  name: "Booking",
  fields: [
    { name: "id", type: "long" },
    { name: "account", type: "string" },
    { name: "amount", type: "double" },
    { name: "currency", type: "string" },
    { name: "quantity", type: "int" },
    { name: "settled", type: "boolean" },
    { name: "note", type: ["null", "string"] },
    { name: "reference", type: "string" }
  ]
}
export const type = avsc.Type.forSchema(schema)
export const columns = schema.fields.map(({ name }) => name)

/** Record `i`, in Confluent framing. */
export const encode = (i, schemaId) => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(schemaId, 1)
  const value = type.toBuffer({
    id: i,
    account: `DE${String(i % 9973).padStart(10, "0")}`,
    amount: (i % 100_000) / 100,
    currency: "EUR",
    quantity: i % 100,
    settled: i % 2 === 0,
    note: i % 5 === 0 ? null : `note ${i % 1000}`,
    reference: `ref-${i.toString(36).padStart(8, "0")}`
  })
  return Buffer.concat([head, value])
}
