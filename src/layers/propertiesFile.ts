import properties from "dot-properties"
import type { PropertyEntry } from "../domain/config/settings.js"

/**
 * Key, value and line of each property, in order, with Java's escapes and continued lines resolved. Keeps keys that
 * stand twice: the library's own `parse` silently keeps the last, and we want to say so.
 */
export const parseProperties = (text: string): ReadonlyArray<PropertyEntry> => {
  const entries: Array<PropertyEntry> = []
  // The library does not know a byte order mark and would make it part of the first key.
  const source = text.replace(/^\uFEFF/, "")
  let line = 1
  let counted = 0
  for (const node of properties.parseLines(source, true)) {
    if (!(node instanceof properties.Pair)) continue
    const start = node.range[0]
    line += source.slice(counted, start).split(/\r\n|\n|\r/).length - 1
    counted = start
    entries.push({ key: node.key, value: node.value, line })
  }
  return entries
}
