import { containerName, dockerPort } from "./docker.mjs"
import { registryJar } from "./maven.mjs"
import { attachSingle, serverDir, startSingle, withPorts } from "./start.mjs"
import { javaMissing, means } from "./tools.mjs"

const version = "3.0.9"

export const registryMeans = () => means(javaMissing)

/** @param {string} dir @param {number} port */
const localCommand = async (dir, port) => ({
  command: "java",
  args: [
    "-Xmx256m",
    `-Djava.io.tmpdir=${dir}`, // also names this server's folder among its arguments
    `-Dquarkus.http.port=${port}`,
    "-Dquarkus.http.host=127.0.0.1",
    "-jar",
    await registryJar(version)
  ]
})

/** @param {number} port */
const dockerCommand = (port) => {
  const container = containerName("registry")
  const image = `apicurio/apicurio-registry:${version}`
  return { command: "docker", args: ["run", "-d", "--name", container, ...dockerPort(port, 8080), image], container }
}

/** @param {import("./process.mjs").Spec} spec */
export const attachRegistry = (spec) => attachSingle(spec, spec.ready.address.replace(/\/subjects$/, ""))

/**
 * Apicurio Registry with the Confluent API. It keeps its schemas in memory: a restart forgets them.
 * @param {{ dir?: string, detached?: boolean }} [options]
 */
export const startRegistry = async (options = {}) => {
  const how = await registryMeans()
  if (how.missing !== undefined) throw new Error(how.missing)
  return withPorts(1, async ([port]) => {
    const dir = await serverDir(options, "registry")
    const address = `http://127.0.0.1:${port}/apis/ccompat/v7`
    const command = how.via === "docker" ? dockerCommand(port) : await localCommand(dir, port)
    const spec = { name: "registry", dir, ...command, ready: { kind: "http", address: `${address}/subjects` } }
    return startSingle(spec, address)
  })
}
