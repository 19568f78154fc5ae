import { sumsOf } from "./mutation/found.js"
import type { Result } from "./support/results.js"

/** A proof, as docs/reliability.md speaks of it. */
export interface Proof {
  /** Of its result: `proof/results/NAME.json`, or `NAME-….json` where each run leaves one. */
  readonly name: string
  readonly title: string
  readonly command: string
  readonly about: string
  /** What is shown of all that was measured, where that is too much for a page; unless given, all of it. */
  readonly shown?: (measured: Result["measured"]) => Result["measured"]
  /** A file in `proof/results` that the last run has drawn. */
  readonly picture?: string
}

/** What the simulation has seen, a line for each subject: `action: kill` is a `kill` of the actions. */
const bySubject = ({ seen, ...measured }: Result["measured"]): Result["measured"] => {
  const subjects = new Map<string, Record<string, unknown>>()
  for (const [name, count] of Object.entries(typeof seen === "object" && seen !== null ? seen : {})) {
    const [subject, what] = name.includes(": ") ? name.split(": ") : ["all runs", name]
    subjects.set(subject ?? "", { ...subjects.get(subject ?? ""), [what ?? ""]: count })
  }
  return { ...measured, ...Object.fromEntries(subjects) }
}

export const proofs: ReadonlyArray<Proof> = [
  {
    name: "simulation",
    title: "Simulation",
    command: "npm run simulate -- --seed 1 --runs 1000",
    about:
      `The programs of production on simulated servers, in virtual time: brokers, a group coordinator, a registry and
a database that fail in the ways that the real ones do. A seed decides what fails and which fiber runs next, so that it
repeats a run byte for byte. The checker judges what each run has left. The answers that the database gives as faults
include "deadlock" (1213); that the engine has found none of its own says that nobody takes locks crosswise.`,
    shown: bySubject
  },
  {
    name: "mutation",
    title: "Mutation",
    command: "npm run mutation",
    about: `Each mechanism that the promise rests on is removed from a copy of the program, one at a time. A mechanism
whose removal nothing notices is a finding: either it is not needed, or it is not tested. The
[guarantees](guarantees.md) tell of each what has noticed its removal. A result holds as long as the mechanism's source
and its test are what they were; a run tries again only those of which that is not so.`,
    shown: sumsOf
  },
  {
    name: "chaos",
    title: "Chaos on real servers",
    command: "npm run chaos -- --minutes 10 --instances 3",
    about: `Several instances on three real brokers, MySQL and the registry, while producers write, some of them in
transactions that abort. A seed draws the faults: processes and servers are killed and frozen, connections are cut and
go silent, members come and go, partitions are added. The target tables have no unique key that could hide a repeated row.
Triggers write down each move of a stored offset, in its own transaction, what each such transaction has written, and the
address that it came from: each process has one of its own, so that the move of one that has been replaced is seen.
A seed repeats the plan of the faults; what they meet is up to the machine.
What the logs hold is said by Kafka's own Java consumer, which shares no code with Tributary.`
  },
  {
    name: "memory",
    title: "Memory while the database is stopped",
    command: "npm run memory",
    about: "How much a process grows while records wait in Kafka and the database does not answer."
  },
  {
    name: "soak",
    title: "Soak",
    command: "npm run soak -- --hours 1",
    about:
      "Steady load for a long time: heap, handles, fibers and connections stay level, and the lag returns to zero.",
    picture: "soak.svg"
  },
  {
    name: "recovery",
    title: "Recovery",
    command: "npm run recovery -- --kills 30",
    about: `From a kill, a freeze, a stop or an outage to the first new row, many times each, on a broker whose
\`group.initial.rebalance.delay.ms\` is the default (3 s). What is promised has a core to spare in mind: it is held to what
an idle machine would have taken (p95 idle: the part of a time that is work is divided by how slow the machine was then); the
times as they were measured stand beside it.`
  },
  {
    name: "scale",
    title: "Scale-out",
    command: "npm run scale -- --processes 1,2,4",
    about: "Several processes share the partitions by Kafka's group protocol; members join and leave under load."
  }
]
