import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { mysqlRoot } from "./debian.mjs"
import { containerName, dockerPort } from "./docker.mjs"
import { attachSingle, prepare, serverDir, startSingle, withPorts } from "./start.mjs"
import { debianMissing, means } from "./tools.mjs"

/**
 * @typedef {object} MysqlOptions
 * @property {ReadonlyArray<string>} [args] more arguments of mysqld
 * @property {string} [dir] where its folder is made
 * @property {boolean} [detached] it outlives this process
 */

export const mysqlMeans = () => means(debianMissing)

/** Run at each start; the server listens on 127.0.0.1 only. */
export const initialSql = [
  "CREATE USER IF NOT EXISTS 'root'@'%';",
  "GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;",
  "CREATE DATABASE IF NOT EXISTS bank;",
  "CREATE USER IF NOT EXISTS 'consumer'@'%' IDENTIFIED BY 'consumer1!';",
  "GRANT ALL PRIVILEGES ON bank.* TO 'consumer'@'%';"
].join("\n")

/** @param {string} dir @param {number} port @param {ReadonlyArray<string>} more */
const localCommand = async (dir, port, more) => {
  const { libs, loader, program, root } = await mysqlRoot()
  const common = [
    "--library-path",
    libs,
    program,
    "--no-defaults",
    ...(process.getuid() === 0 ? ["--user=root"] : []),
    `--datadir=${join(dir, "data")}`,
    `--basedir=${join(root, "usr")}`,
    `--lc-messages-dir=${join(root, "usr/share/mysql")}`,
    "--secure-file-priv=" // the packaged default names a folder of the system, without which mysqld aborts
  ]
  await prepare(dir, loader, [...common, "--initialize-insecure"])
  // Durability stays at its defaults (binary log on, sync_binlog = 1, flush at each commit).
  const args = [
    ...common,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    `--socket=${join(dir, "s")}`,
    `--pid-file=${join(dir, "mysqld.pid")}`,
    "--mysqlx=OFF",
    "--skip-name-resolve",
    "--max-connections=500",
    `--init-file=${join(dir, "init.sql")}`,
    ...more
  ]
  return { command: loader, args }
}

/** @param {string} dir @param {number} port @param {ReadonlyArray<string>} more */
const dockerCommand = (dir, port, more) => {
  const container = containerName("mysql")
  const mount = ["-v", `${join(dir, "init.sql")}:/init.sql:ro`, "-e", "MYSQL_ALLOW_EMPTY_PASSWORD=yes"]
  const mysqld = ["mysql:8.4", "--init-file=/init.sql", "--max-connections=500", ...more]
  return {
    command: "docker",
    args: ["run", "-d", "--name", container, ...dockerPort(port, 3306), ...mount, ...mysqld],
    container
  }
}

/** @param {import("./process.mjs").Spec} spec */
export const attachMysql = (spec) => attachSingle(spec, `mysql://root@${spec.ready.address}`)

/**
 * MySQL with database `bank`, its user `consumer` (password `consumer1!`), and root without a password.
 * @param {MysqlOptions} [options]
 */
export const startMysql = async (options = {}) => {
  const how = await mysqlMeans()
  if (how.missing !== undefined) throw new Error(how.missing)
  return withPorts(1, async ([port]) => {
    const dir = await serverDir(options, "mysql")
    await writeFile(join(dir, "init.sql"), `${initialSql}\n`)
    const more = options.args ?? []
    const command = how.via === "docker" ? dockerCommand(dir, port, more) : await localCommand(dir, port, more)
    const spec = { name: "mysql", dir, ...command, ready: { kind: "mysql", address: `127.0.0.1:${port}` } }
    return startSingle(spec, `mysql://root@127.0.0.1:${port}`)
  })
}
