import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { containerName, dockerPort } from "./docker.mjs"
import { attachSingle, serverDir, startSingle, withPorts } from "./start.mjs"
import { debianMissing, means } from "./tools.mjs"

/**
 * @typedef {object} MysqlOptions
 * @property {ReadonlyArray<string>} [args] more arguments of the server
 * @property {string} [dir] where its folder is made
 * @property {boolean} [detached] it outlives this process
 */

/**
 * A server that speaks MySQL's protocol.
 * @typedef {object} Product
 * @property {string} name
 * @property {(dir: string, port: number, more: ReadonlyArray<string>) => Promise<{ command: string, args: string[] }>} local
 * @property {{ environment: string, image: string, args: ReadonlyArray<string> }} docker
 */

export const databaseMeans = () => means(debianMissing)

/** Run at each start; the server listens on 127.0.0.1 only. */
const initialSql = [
  "CREATE USER IF NOT EXISTS 'root'@'%';",
  "GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;",
  "CREATE DATABASE IF NOT EXISTS bank;",
  "CREATE USER IF NOT EXISTS 'consumer'@'%' IDENTIFIED BY 'consumer1!';",
  "GRANT ALL PRIVILEGES ON bank.* TO 'consumer'@'%';"
].join("\n")

/** @param {Product} product @param {string} dir @param {number} port @param {ReadonlyArray<string>} more */
const dockerCommand = ({ docker: { args, environment, image }, name }, dir, port, more) => {
  const container = containerName(name)
  const mount = ["-v", `${join(dir, "init.sql")}:/init.sql:ro`, "-e", environment]
  const server = [image, "--init-file=/init.sql", ...args, "--max-connections=500", ...more]
  return {
    command: "docker",
    args: ["run", "-d", "--name", container, ...dockerPort(port, 3306), ...mount, ...server],
    container
  }
}

/** @param {import("./process.mjs").Spec} spec */
export const attachDatabase = (spec) => attachSingle(spec, `mysql://root@${spec.ready.address}`)

/**
 * With database `bank`, its user `consumer` (password `consumer1!`), and root without a password.
 * @param {Product} product @param {MysqlOptions} options
 */
export const startDatabase = async (product, options) => {
  const how = await databaseMeans()
  if (how.missing !== undefined) throw new Error(how.missing)
  const { name } = product
  return withPorts(1, async ([port]) => {
    const dir = await serverDir(options, name)
    await writeFile(join(dir, "init.sql"), `${initialSql}\n`)
    const more = options.args ?? []
    const command = how.via === "docker"
      ? dockerCommand(product, dir, port, more)
      : await product.local(dir, port, more)
    const spec = { name, dir, ...command, ready: { kind: "mysql", address: `127.0.0.1:${port}` } }
    return startSingle(spec, `mysql://root@127.0.0.1:${port}`)
  })
}
