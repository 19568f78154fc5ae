import { KafkaRefused, KafkaUnavailable } from "../Consumer.js"

export type KafkaError = KafkaUnavailable | KafkaRefused

/** A field that kafkajs or node:net may have put on an error; `cause` is one that is not enumerable. */
const field = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

/** The error and what it was caused by, outermost first. kafkajs wraps errors in errors, sometimes in themselves. */
const chain = (error: unknown): ReadonlyArray<unknown> => {
  const seen: Array<unknown> = []
  for (let next = error; next !== undefined && next !== null && !seen.includes(next); next = field(next, "cause")) {
    seen.push(next)
  }
  return seen
}

const firstText = (error: unknown, name: string): string | undefined => {
  for (const link of chain(error)) {
    const found = text(field(link, name))
    if (found !== undefined) return found
  }
  return undefined
}

/** kafkajs's name for a protocol error, such as UNKNOWN_TOPIC_OR_PARTITION. */
export const typeOf = (error: unknown): string | undefined => firstText(error, "type")
/** `name` fields of the error and its causes. */
const namesOf = (error: unknown): ReadonlyArray<string> =>
  chain(error).flatMap((link) => (link instanceof Error ? [link.name] : []))
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const connectionNames = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSLockTimeout",
  "KafkaJSTimeout",
  "KafkaJSBrokerNotFound",
  "KafkaJSNoBrokerAvailableError",
  "KafkaJSGroupCoordinatorNotFound",
  "TimeoutException"
])

/** Protocol errors that pass by themselves: an election, a coordinator that loads, a broker that stumbled. */
const passing = new Set([
  "UNKNOWN",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "REPLICA_NOT_AVAILABLE",
  "REQUEST_TIMED_OUT",
  "NETWORK_EXCEPTION",
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "NOT_ENOUGH_REPLICAS",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "NOT_CONTROLLER",
  "CONCURRENT_TRANSACTIONS",
  "KAFKA_STORAGE_ERROR",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH"
])

/** Whether the network or the broker was away: the request may be sent again. */
export const isConnectionError = (error: unknown): boolean => namesOf(error).some((name) => connectionNames.has(name))

/** Whether a node has not answered in time, on a connection that looks alive. */
export const isTimeout = (error: unknown): boolean => namesOf(error).includes("KafkaJSRequestTimeoutError")

const cures: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED:
    "grant this user Read and Describe on the topic (kafka-acls --add --operation Read --topic …)",
  GROUP_AUTHORIZATION_FAILED:
    "grant this user Read on the consumer group (kafka-acls --add --operation Read --group …)",
  CLUSTER_AUTHORIZATION_FAILED: "grant this user the cluster operation that the message names",
  SASL_AUTHENTICATION_FAILED: "check the Kafka user name, password and SASL mechanism",
  UNSUPPORTED_SASL_MECHANISM: "use a SASL mechanism that the listener offers",
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    "grant this user Write and Describe on the transactional id (kafka-acls --add --operation Write --transactional-id …)",
  INVALID_TRANSACTION_TIMEOUT:
    "choose a transaction time-out up to the brokers' transaction.max.timeout.ms (15 minutes unless they say otherwise)",
  UNKNOWN_TOPIC_OR_PARTITION: "create the topic, or correct its name",
  INVALID_TOPIC_EXCEPTION: "a topic name has 1 to 249 of the characters a-z A-Z 0-9 . _ -",
  INVALID_SESSION_TIMEOUT:
    "choose a session time-out between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms",
  INCONSISTENT_GROUP_PROTOCOL:
    "other members of the group use another assignment strategy: choose another consumer group",
  GROUP_MAX_SIZE_REACHED: "raise the brokers' group.max.size or run fewer instances",
  RECORD_TOO_LARGE: "raise the topic's max.message.bytes or send smaller records",
  MESSAGE_TOO_LARGE: "raise the topic's max.message.bytes or send smaller records",
  INVALID_REPLICATION_FACTOR: "ask for at most as many replicas as there are brokers",
  INVALID_CONFIG: "correct the key or its value; tributary topics show TOPIC --all lists the keys of a topic",
  INVALID_PARTITIONS: "ask for more partitions than the topic has",
  POLICY_VIOLATION: "the cluster's own policy forbids it: ask who runs the cluster",
  UNSUPPORTED_VERSION: "run brokers between 2.4 and 4.x"
}

/** Why nobody answers, in one line: the addresses as configured, and the operating system's code where there is one. */
export const unavailable = (brokers: ReadonlyArray<string>, error: unknown): KafkaUnavailable => {
  const code = firstText(error, "code")
  return new KafkaUnavailable({ what: `${brokers.join(",")} (${code ?? messageOf(error)})`, cause: error })
}

/** What an error of kafkajs means for the caller. `doing` names the request: "cannot `doing`: …". */
export const classify = (brokers: ReadonlyArray<string>, doing: string, error: unknown): KafkaError => {
  const names = namesOf(error)
  const type = typeOf(error)
  if (names.includes("KafkaJSServerDoesNotSupportApiKey")) {
    return refused(
      doing,
      `${messageOf(error)} (${firstText(error, "apiName") ?? "unknown API"})`,
      cures["UNSUPPORTED_VERSION"],
      error
    )
  }
  if (names.includes("KafkaJSSASLAuthenticationError")) {
    return refused(doing, messageOf(error), cures["SASL_AUTHENTICATION_FAILED"], error)
  }
  if (type !== undefined) {
    return passing.has(type)
      ? unavailable(brokers, error)
      : refused(doing, `${messageOf(error)} [${type}]`, cures[type], error)
  }
  return isConnectionError(error) ? unavailable(brokers, error) : refused(doing, messageOf(error), undefined, error)
}

const refused = (doing: string, what: string, cure: string | undefined, cause: unknown): KafkaRefused =>
  new KafkaRefused({ what: `cannot ${doing}: ${what}`, cure: cure ?? "see the broker's log for the reason", cause })
