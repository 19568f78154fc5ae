import type { World } from "./World.js"

/** What was seen, by name; of many runs added up, or where the name ends in "Max" the largest. */
export type Numbers = Readonly<Record<string, number>>

const prefixed = (prefix: string, numbers: Readonly<Record<string, number | undefined>>): Numbers =>
  Object.fromEntries(Object.entries(numbers).map(([name, count]) => [`${prefix}: ${name}`, count ?? 0]))

export const countsOf = ({ cluster, counts, mysql, registry }: World): Numbers => {
  const { actions, points, ...own } = counts
  const { fates, ...server } = mysql.counters
  return {
    ...own,
    ...prefixed("action", actions),
    ...prefixed("fault point", points),
    ...prefixed("kafka", { ...cluster.counts }),
    ...prefixed("mysql", server),
    ...prefixed("mysql fault", Object.fromEntries(fates)),
    ...prefixed("registry", registry.counts),
    virtualMs: cluster.time.nowMs()
  }
}

export const added = (all: Numbers, more: Numbers): Numbers => {
  const sum = { ...all }
  for (const [name, count] of Object.entries(more)) {
    const before = sum[name] ?? 0
    sum[name] = name.endsWith("Max") ? Math.max(before, count) : before + count
  }
  return sum
}
