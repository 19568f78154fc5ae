import * as Match from "effect/Match"
import type { KafkaRefused, KafkaUnavailable } from "../layers/Consumer.js"
import type { TopicMissing } from "../layers/Admin.js"
import type { DestinationError } from "../layers/Destination.js"
import type { RegistryError } from "../layers/SchemaRegistry.js"
import type { ProducerFenced } from "../layers/Transactions.js"
import { CommandError, ExitCode } from "./exitCodes.js"

export type ServiceError =
  | KafkaUnavailable
  | KafkaRefused
  | TopicMissing
  | ProducerFenced
  | RegistryError
  | DestinationError

/** What a one-shot command says when a service does not do its part. `run` waits instead. */
export const commandError = (failure: ServiceError): CommandError =>
  Match.valueTags(failure, {
    KafkaUnavailable: (error) =>
      new CommandError({
        code: "TRB-2001",
        exit: ExitCode.unreachable,
        what: error.message,
        cure: "check kafka.bootstrap.servers, and that the addresses the brokers advertise can be reached from here"
      }),
    KafkaRefused: (error) =>
      new CommandError({
        code: error.kind === "locked" ? "TRB-2004" : "TRB-2002",
        exit: error.kind === "locked" ? ExitCode.tryAgain : ExitCode.refused,
        what: error.what,
        cure: error.cure
      }),
    TopicMissing: (error) =>
      new CommandError({
        code: "TRB-2003",
        exit: ExitCode.configuration,
        what: error.message,
        cure: `correct kafka.topics, or create it: kafka-topics.sh --bootstrap-server HOST:PORT --create ` +
          `--topic ${error.topic} --partitions 3`
      }),
    ProducerFenced: (error) =>
      new CommandError({
        code: "TRB-2005",
        exit: ExitCode.tryAgain,
        what: error.message,
        cure: "give each producer a transactional id of its own, and run one of each at a time"
      }),
    RegistryUnavailable: (error) =>
      new CommandError({
        code: "TRB-2301",
        exit: ExitCode.unreachable,
        what: error.message,
        cure: "check kafka.schema.registry.url, its path included, and that the registry runs"
      }),
    SchemaNotFound: (error) =>
      new CommandError({
        code: "TRB-2302",
        exit: ExitCode.undecodable,
        what: error.message,
        cure: "check that kafka.schema.registry.url names the registry that the producers use"
      }),
    RegistryRefused: (error) =>
      new CommandError({
        code: "TRB-2303",
        exit: ExitCode.refused,
        what: error.message,
        cure: error.cure
      }),
    DestinationUnavailable: (error) =>
      new CommandError({
        code: "TRB-2203",
        exit: ExitCode.unreachable,
        what: error.message,
        cure: "check mysql.url, and that the server runs and can be reached from here"
      }),
    DestinationRefused: (error) =>
      new CommandError({
        code: error.kind === "credentials" ? "TRB-2201" : "TRB-2202",
        exit: error.kind === "credentials" ? ExitCode.refused : ExitCode.configuration,
        what: error.what,
        cure: error.cure
      })
  })
