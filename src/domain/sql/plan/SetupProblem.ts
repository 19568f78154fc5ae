import * as Data from "effect/Data"

/** Why a schema cannot become a table. Found before the first record is written, so that nothing is stored wrong. */
export class SetupProblem extends Data.TaggedClass("SetupProblem")<{
  readonly topic: string
  readonly schemaId: number
  /** Undefined where it is about the table or the whole value. */
  readonly field: string | undefined
  readonly what: string
  readonly cure: string
}> {
  get message(): string {
    const place = this.field === undefined ? "" : `, field ${JSON.stringify(this.field)}`
    const id = this.schemaId === 0 ? "" : `, schema id ${this.schemaId}`
    return `topic ${this.topic}${id}${place}: ${this.what}; ${this.cure}`
  }
}
