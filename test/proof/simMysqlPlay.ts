import { Effect, Fiber } from "effect"
import type { Client, Interleaving } from "./simMysqlInterleavings.js"

type Name = "a" | "b" | "c"

const values = (row: unknown): string => typeof row === "object" && row !== null ? Object.values(row).join(",") : "?"

/** Answers as the steps want them said. */
export const said = (result: unknown): string => {
  if (!Array.isArray(result)) {
    const header = typeof result === "object" && result !== null && "affectedRows" in result ? result.affectedRows : "?"
    return `rows ${String(header)}`
  }
  return result.map(values).join(" ")
}

/**
 * What each step was answered, as the table writes it.
 * @param waiting whether a statement that was sent still waits, once everything has come to rest
 */
export const play = (
  { steps }: Interleaving,
  clients: Readonly<Record<Name, Client>>,
  settled: (sent: Fiber.RuntimeFiber<string>) => Effect.Effect<string | undefined>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const ids = { a: clients.a.id, b: clients.b.id, c: clients.c.id }
    const waiting = new Map<Name, Fiber.RuntimeFiber<string>>()
    const answers: Array<string> = []
    for (const step of steps) {
      if ("finally" in step) {
        const sent = waiting.get(step.client)
        answers.push(sent === undefined ? "it was not waiting" : yield* Fiber.join(sent))
        continue
      }
      const text = typeof step.text === "string" ? step.text : step.text(ids)
      const sent = yield* Effect.fork(clients[step.client].run(text))
      if (step.answers === undefined) {
        const early = yield* settled(sent)
        answers.push(early ?? "waits")
        waiting.set(step.client, sent)
      } else {
        const answer = yield* Fiber.join(sent)
        answers.push(/^\d+$/u.test(answer) ? answer === String(ids.a) ? "id of a" : "id of another" : answer)
      }
    }
    return answers
  })

export const wanted = ({ steps }: Interleaving): ReadonlyArray<string> =>
  steps.map((step) => "finally" in step ? step.finally : step.answers ?? "waits")
