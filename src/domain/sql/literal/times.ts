import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import { type Literal, type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"

/** 0000-01-01 and 9999-12-31, in days since the epoch. */
const firstDay = -719_528
const lastDay = 2_932_896
/** 0000-02-29: the proleptic Gregorian calendar has it, MySQL does not (for it the year 0 is no leap year). */
const missingDay = -719_469

/** Padding and concatenation per record cost more than all the arithmetic here, so the pieces are made once. */
const padded = (count: number, digits: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, number) => String(number).padStart(digits, "0"))
const two = padded(100, 2)
const three = padded(1000, 3)
const minutes = Array.from({ length: 1440 }, (_, minute) => `${two[Math.floor(minute / 60)]}:${two[minute % 60]}:`)

/**
 * Day since the epoch as YYYY-MM-DD, proleptic Gregorian (Howard Hinnant, "chrono-compatible low-level date algorithms",
 * civil_from_days). Undefined where MySQL has no such day.
 */
export const dayText = (day: number): string | undefined => {
  if (day < firstDay || day > lastDay || day === missingDay) return undefined
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, "0")}-${two[month]}-${two[dayOfMonth]}`
}

const clockText = (secondOfDay: number): string => {
  const minute = Math.floor(secondOfDay / 60)
  return `${minutes[minute]}${two[secondOfDay - minute * 60]}`
}

export interface Unit {
  readonly perSecond: number
  /** Ticks below a second, with all digits of the unit. */
  readonly fraction: (ticks: number) => string
}
const microsText = (ticks: number): string => {
  const millis = Math.floor(ticks / 1000)
  return `${three[millis]}${three[ticks - millis * 1000]}`
}
export const units: Readonly<Record<"millis" | "micros", Unit>> = {
  millis: { perSecond: 1000, fraction: (ticks) => three[ticks] ?? "" },
  micros: { perSecond: 1_000_000, fraction: microsText }
}

export const dateLiteral = (place: Place, quote: Spelling["quote"]): LiteralWriter => {
  const wrong = poison(place, "not a date")
  const outside = poison(place, "outside 0000-01-01 to 9999-12-31, or a day that MySQL does not have")
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value)) return wrong
    const text = dayText(value)
    return text === undefined ? outside : Either.right(`${quote}${text}${quote}`)
  }
}

/** time-millis is an int, time-micros a long. */
export const timeLiteral = (place: Place, unit: Unit, quote: Spelling["quote"]): LiteralWriter => {
  const wrong = poison(place, "not a time of day")
  const outside = poison(place, "negative, or 24 hours and more")
  const perDay = 86_400 * unit.perSecond
  return (value) => {
    if (typeof value !== "bigint" && (typeof value !== "number" || !Number.isInteger(value))) return wrong
    if (value < 0 || value >= perDay) return outside
    const since = Number(value)
    const second = Math.floor(since / unit.perSecond)
    return Either.right(`${quote}${clockText(second)}.${unit.fraction(since - second * unit.perSecond)}${quote}`)
  }
}

/**
 * Ticks since the epoch as `YYYY-MM-DD hh:mm:ss.f`, in UTC. Written as text because a DATETIME literal has no zone: what
 * the session's time_zone is does not matter.
 */
export const timestampLiteral = (place: Place, unit: Unit, quote: Spelling["quote"]): LiteralWriter => {
  const wrong = poison(place, "not a 64-bit integer")
  const outside = poison(place, "outside 0000-01-01 to 9999-12-31, or on a day that MySQL does not have")
  const perSecondExact = BigInt(unit.perSecond)
  // Consecutive records are mostly of one day: its text is made once.
  let day = Number.NaN
  let dayPrefix: string | undefined
  const write = (second: number, fraction: number): Literal => {
    const newDay = Math.floor(second / 86_400)
    if (newDay !== day) {
      day = newDay
      const text = dayText(newDay)
      dayPrefix = text === undefined ? undefined : `${quote}${text} `
    }
    if (dayPrefix === undefined) return outside
    return Either.right(`${dayPrefix}${clockText(second - newDay * 86_400)}.${unit.fraction(fraction)}${quote}`)
  }
  return (value) => {
    if (typeof value !== "bigint") return wrong
    const since = Number(value)
    if (Number.isSafeInteger(since)) {
      const second = Math.floor(since / unit.perSecond)
      return write(second, since - second * unit.perSecond)
    }
    // Micros beyond the year 2255 do not fit a double; what is far outside stays outside.
    const remainder = value % perSecondExact
    const fraction = remainder < 0n ? remainder + perSecondExact : remainder
    return write(Number((value - fraction) / perSecondExact), Number(fraction))
  }
}

/** Nanoseconds since the epoch, cut off to microseconds: always towards the past, so that order is kept. */
export const nanosAsDatetime = (place: Place, quote: Spelling["quote"]): LiteralWriter => {
  const write = timestampLiteral(place, units.micros, quote)
  return (value) => {
    if (typeof value !== "bigint") return write(value)
    const rest = value % 1000n
    return write((value - (rest < 0n ? rest + 1000n : rest)) / 1000n)
  }
}
