/**
 * A decoded Avro value as JSON, on one line. A long is a JSON number with all its digits; bytes are a string with one
 * character per byte, and a value of a union of several types beside null stands under its branch's name, as in Avro's own
 * JSON encoding; one of a union of null and one type stands there as it is. What JSON has no number for is text: "NaN",
 * "Infinity", "-Infinity".
 */
export const avroJson = (value: unknown): string => {
  switch (typeof value) {
    case "bigint":
    case "boolean":
      return String(value)
    case "number":
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case "string":
      return JSON.stringify(value)
    case "object":
      return value === null ? "null" : compound(value)
    case "undefined":
    case "function":
    case "symbol":
      throw new Error(`Avro has no value of type ${typeof value}`)
  }
}

const compound = (value: object): string => {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString("latin1"))
  if (Array.isArray(value)) return `[${value.map(avroJson).join(",")}]`
  return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${avroJson(part)}`).join(",")}}`
}
