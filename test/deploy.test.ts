import { assert, it } from "@effect/vitest"
import { Either } from "effect"
import { readFileSync } from "node:fs"
import { parseConfig } from "../src/domain/config/parse.js"
import { parseProperties } from "../src/layers/propertiesFile.js"

const configFrom = (name: string) =>
  Either.getOrThrowWith(
    parseConfig({
      files: [{ name, entries: parseProperties(readFileSync(name, "utf8")) }],
      environment: {},
      secrets: new Map(),
      overrides: []
    }),
    (problems) => new Error(JSON.stringify(problems))
  )

const compose = readFileSync("docker-compose.yml", "utf8")
const dockerfile = readFileSync("Dockerfile", "utf8")

it("consumer.properties reaches the servers of the compose file by the ports that it publishes", () => {
  const { bootstrapServers, mysql, registryUrls, topics } = configFrom("consumer.properties")
  assert.deepStrictEqual(topics, ["dataset1", "dataset2", "dataset3"])
  const urls = [...bootstrapServers.map((server) => `http://${server}`), ...registryUrls]
  if (mysql.kind === "mysql") urls.push(`http://${mysql.host}:${mysql.port}`)
  assert.deepStrictEqual(urls.map((url) => new URL(url).hostname), urls.map(() => "localhost"))
  for (const url of urls) {
    const { port } = new URL(url)
    assert.include(compose, `"127.0.0.1:${port}:${port}"`)
  }
  for (const port of [9091, 9092, 9093]) assert.include(compose, `OUTSIDE://localhost:${port}`)
})

it("deploy/consumer.properties names the services of the compose file and their inner listeners", () => {
  const { bootstrapServers, mysql, registryUrls } = configFrom("deploy/consumer.properties")
  for (const server of bootstrapServers) assert.include(compose, `INSIDE://${server}`)
  for (const url of registryUrls) assert.include(compose, `  ${new URL(url).hostname}:\n    image:`)
  assert.strictEqual(mysql.kind, "mysql")
  if (mysql.kind === "mysql") assert.include(compose, `  ${mysql.host}:\n    image: mysql`)
})

it("both files have the account that the compose file creates", () => {
  for (const name of ["consumer.properties", "deploy/consumer.properties"]) {
    const text = readFileSync(name, "utf8")
    const [user, password] = ["username", "password"].map((key) =>
      new RegExp(`^mysql\\.${key}=(.*)$`, "m").exec(text)?.[1]
    )
    assert.include(compose, `MYSQL_USER: ${user}\n`)
    assert.include(compose, `MYSQL_PASSWORD: ${password}\n`)
  }
})

it("the container is given longer to stop than the drain may take", () => {
  const { shutdownTimeoutMs } = configFrom("deploy/consumer.properties")
  const grace = Number(/stop_grace_period: (\d+)s/.exec(compose)?.[1])
  assert.isAbove(grace * 1000, shutdownTimeoutMs)
})

it("the image's last stage runs as an ordinary user and builds on the oldest Node that is supported", () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf("FROM "))
  assert.match(last, /^USER node$/m)
  assert.match(last, /^FROM node:20-/)
  assert.match(readFileSync("package.json", "utf8"), /"node": ">=20\.19"/)
})
