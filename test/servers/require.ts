import { describe, inject, it } from "vitest"
import { type ServerName, serverNames } from "./context.js"

/** `own:` asks not for the server of the run but for the means to start one that the test may kill and restart. */
export type Need = ServerName | `own:${ServerName}`

/** Addresses for tests that are collected, and counted, but do not run. */
const nowhere: Record<ServerName, string> = {
  kafka: "127.0.0.1:1",
  registry: "http://127.0.0.1:1/apis/ccompat/v7",
  mysql: "mysql://root@127.0.0.1:1",
  mariadb: "mysql://root@127.0.0.1:1"
}

const nameOf = (need: Need): ServerName => serverNames.find((name) => need.endsWith(name)) ?? "kafka"

const missing = (need: Need): string | undefined => {
  const name = nameOf(need)
  const server = need.startsWith("own:") ? inject("startable")[name] : inject(name)
  return "missing" in server ? `${need}: ${server.missing}` : undefined
}

const addressOf = (name: ServerName): string => {
  const server = inject(name)
  return "address" in server ? server.address : nowhere[name]
}

/** What speaks SQL over MySQL's protocol. */
export interface SqlServer {
  readonly label: "MySQL" | "MariaDB"
  /** Of the server of the run. */
  readonly address: string
}

/** A group of tests for MySQL, and the same for MariaDB: what is promised of one is promised of both. */
export const describeOnEach = (name: string, body: (server: SqlServer) => void): void => {
  describeWith(["mysql"], `${name} on MySQL`, ({ mysql }) => body({ label: "MySQL", address: mysql }))
  describeWith(["mariadb"], `${name} on MariaDB`, ({ mariadb }) => body({ label: "MariaDB", address: mariadb }))
}

/**
 * A `describe` for tests that need servers. Where one cannot be had the tests are counted as skipped, with the reason in
 * their name; or the group fails, if TRIBUTARY_TEST_REQUIRE names the server.
 */
export const describeWith = (
  needs: ReadonlyArray<Need>,
  name: string,
  body: (servers: Readonly<Record<ServerName, string>>) => void
): void => {
  const servers = {
    kafka: addressOf("kafka"),
    registry: addressOf("registry"),
    mysql: addressOf("mysql"),
    mariadb: addressOf("mariadb")
  }
  const lacking = needs.filter((need) => missing(need) !== undefined)
  const reasons = lacking.map(missing).join("; ")
  if (lacking.length === 0) {
    describe(name, () => body(servers))
  } else if (lacking.some((need) => inject("required").includes(nameOf(need)))) {
    it(`${name} has the servers that TRIBUTARY_TEST_REQUIRE names`, () => {
      throw new Error(`there is no ${reasons}`)
    })
  } else {
    describe.skip(`${name} (left out, no ${reasons})`, () => body(servers))
  }
}
