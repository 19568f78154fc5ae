import type { LiteralWriter } from "../Dialect.js"
import type { ColumnType } from "../TablePlan.js"
import { bytesLiteral, fixedLiteral } from "./bytes.js"
import { bigDecimalLiteral, decimalLiteral } from "./decimals.js"
import { booleanLiteral, doubleLiteral, floatLiteral, intLiteral, longLiteral } from "./numbers.js"
import { type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"
import { enumLiteral, hashLiteral, stringLiteral, uuidBytesLiteral, uuidLiteral } from "./text.js"
import { dateLiteral, nanosAsDatetime, timeLiteral, timestampLiteral, units } from "./times.js"

/** What is one value, not a document of several. */
export type PlainType = Exclude<ColumnType, { readonly kind: "json" }>

/** The writer of values that are not null. */
export const plainLiteral = (place: Place, type: PlainType, spelling: Spelling): LiteralWriter => {
  const { quote } = spelling
  switch (type.kind) {
    case "null": {
      const wrong = poison(place, "not null")
      return () => wrong
    }
    case "boolean":
      return booleanLiteral(place, spelling.boolean)
    case "int":
      return intLiteral(place)
    case "long":
      return longLiteral(place)
    case "nanos":
      return type.stored === "datetime" ? nanosAsDatetime(place, quote) : longLiteral(place)
    case "float":
      return floatLiteral(place, spelling.double, type.stored === "float")
    case "double":
      return doubleLiteral(place, spelling.double)
    case "string":
      return stringLiteral(place, type.length, spelling.text)
    case "bytes":
      return bytesLiteral(place, type.length, spelling.bytes)
    case "fixed":
      return fixedLiteral(place, type.size, spelling.bytes)
    case "enum":
      return enumLiteral(place, type.symbols, spelling.text)
    case "uuid":
      return type.stored === "binary" ? uuidBytesLiteral(place) : uuidLiteral(place, quote)
    case "hash":
      return hashLiteral(place)
    case "decimal":
      return decimalLiteral(
        place,
        type,
        type.stored === "varchar" ? (digits) => `${quote}${digits}${quote}` : spelling.decimal
      )
    case "big-decimal":
      return bigDecimalLiteral(place, quote)
    case "date":
      return dateLiteral(place, quote)
    case "time":
      return timeLiteral(place, units[type.unit], quote)
    case "timestamp":
    case "local-timestamp":
      return timestampLiteral(place, units[type.unit], quote)
  }
}
