import { SetupProblem } from "./SetupProblem.js"

/** What is wrong with a part of a plan. */
export interface Problem {
  readonly what: string
  readonly cure: string
}

/** Collects what is wrong, so that every problem is reported, not just the first. */
export type Report = (field: string | undefined, found: ReadonlyArray<Problem>) => void

export const makeReport = (topic: string, schemaId: number) => {
  const problems: Array<SetupProblem> = []
  const report: Report = (field, found) => {
    for (const { cure, what } of found) problems.push(new SetupProblem({ topic, schemaId, field, what, cure }))
  }
  return { problems, report }
}
