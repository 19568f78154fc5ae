import type { Claim, Fault } from "./Fault.js"
import { holdOffsetRows, killConnections, lockTable } from "./databaseFaults.js"
import {
  addMember,
  freezeInstance,
  freezeRegistry,
  killInstance,
  refuseRegistry,
  skewClock,
  stopInstance
} from "./instanceFaults.js"
import {
  cutAtCommit,
  cutConnections,
  halfOpen,
  refuseConnections,
  silenceAtCommit,
  slowKafka,
  slowMysql,
  stallNetwork
} from "./networkFaults.js"
import type { FaultKind } from "./schedule.js"
import { addPartition, freezeBroker, killBroker, killMysql, killTwoBrokers, moveLeaders } from "./serverFaults.js"

interface Known {
  readonly run: Fault
  readonly claims: ReadonlyArray<Claim>
}

export const faults: Readonly<Record<FaultKind, Known>> = {
  "kill an instance": { run: killInstance, claims: ["slot"] },
  "freeze an instance": { run: freezeInstance, claims: ["slot"] },
  "stop an instance": { run: stopInstance, claims: ["slot"] },
  "add a member": { run: addMember, claims: ["spare"] },
  "skew a clock": { run: skewClock, claims: ["slot"] },
  "kill a broker": { run: killBroker, claims: ["brokers"] },
  "freeze a broker": { run: freezeBroker, claims: ["brokers"] },
  "kill two brokers": { run: killTwoBrokers, claims: ["brokers"] },
  "move leaders": { run: moveLeaders, claims: [] },
  "add a partition": { run: addPartition, claims: [] },
  "kill MySQL": { run: killMysql, claims: ["mysql"] },
  "kill connections": { run: killConnections, claims: [] },
  "hold offset rows": { run: holdOffsetRows, claims: ["locks"] },
  "lock a table": { run: lockTable, claims: ["locks"] },
  "slow MySQL": { run: slowMysql, claims: ["slow"] },
  "cut at COMMIT": { run: cutAtCommit, claims: ["commit"] },
  "silence at COMMIT": { run: silenceAtCommit, claims: ["commit"] },
  "cut connections": { run: cutConnections, claims: [] },
  "refuse connections": { run: refuseConnections, claims: ["network"] },
  "stall the network": { run: stallNetwork, claims: ["network"] },
  "half-open connections": { run: halfOpen, claims: [] },
  "slow Kafka": { run: slowKafka, claims: ["slow"] },
  "refuse the registry": { run: refuseRegistry, claims: ["registry", "slot"] },
  "freeze the registry": { run: freezeRegistry, claims: ["registry", "slot"] }
}

/** Claims on an instance are claims on that instance. */
export const claimsOf = (kind: FaultKind, slot: string): ReadonlyArray<string> =>
  faults[kind].claims.map((
    claim
  ) => (claim === "slot" || claim === "commit" || claim === "slow" ? `${claim} ${slot}` : claim))
