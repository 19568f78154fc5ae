import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { mariadbRoot } from "./debian.mjs"
import { containerName, dockerPort } from "./docker.mjs"
import { initialSql } from "./mysql.mjs"
import { attachSingle, prepare, serverDir, startSingle, withPorts } from "./start.mjs"
import { debianMissing, means } from "./tools.mjs"

export const mariadbMeans = () => means(debianMissing)

/** What `mariadb-install-db` feeds to the server; that script cannot run a program through another loader. */
const systemTables = async (share) => {
  const prefix = existsSync(join(share, "mariadb_system_tables.sql")) ? "mariadb" : "mysql" // since 11: mariadb
  const files = ["system_tables", "performance_tables", "system_tables_data"]
  const texts = await Promise.all(files.map((file) => readFile(join(share, `${prefix}_${file}.sql`), "utf8")))
  const before = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;", "SET @skip_auth_anonymous=1;"]
  return [...before, ...texts].join("\n")
}

/** @param {string} dir @param {number} port @param {ReadonlyArray<string>} more */
const localCommand = async (dir, port, more) => {
  const { libs, loader, program, root } = await mariadbRoot()
  const share = ["mysql", "mariadb"].map((name) => join(root, "usr/share", name)).find((folder) => existsSync(folder))
  const common = [
    "--library-path",
    libs,
    program,
    "--no-defaults",
    ...(process.getuid() === 0 ? ["--user=root"] : []),
    `--datadir=${join(dir, "data")}`,
    `--basedir=${join(root, "usr")}`,
    `--lc-messages-dir=${share}`,
    `--character-sets-dir=${join(share, "charsets")}`,
    `--tmpdir=${join(dir, "tmp")}`, // at its start a server deletes the temporary tables of all that share the folder
    "--innodb-buffer-pool-size=64M" // it stands beside a MySQL
  ]
  const tables = join(dir, "tables.sql")
  await writeFile(tables, await systemTables(share))
  await mkdir(join(dir, "data"))
  await mkdir(join(dir, "tmp"))
  await prepare(dir, "sh", ["-c", `exec "$@" --bootstrap < '${tables}'`, "sh", loader, ...common])
  // The binary log on, as in any production that replicates; the rest of durability at its defaults.
  const args = [
    ...common,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    `--socket=${join(dir, "s")}`,
    `--pid-file=${join(dir, "mariadbd.pid")}`,
    "--log-bin",
    "--skip-name-resolve",
    "--max-connections=500",
    `--init-file=${join(dir, "init.sql")}`,
    ...more
  ]
  return { command: loader, args }
}

/** @param {string} dir @param {number} port @param {ReadonlyArray<string>} more */
const dockerCommand = (dir, port, more) => {
  const container = containerName("mariadb")
  const mount = ["-v", `${join(dir, "init.sql")}:/init.sql:ro`, "-e", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes"]
  const mariadbd = ["mariadb:10.11", "--init-file=/init.sql", "--log-bin", "--max-connections=500", ...more]
  return {
    command: "docker",
    args: ["run", "-d", "--name", container, ...dockerPort(port, 3306), ...mount, ...mariadbd],
    container
  }
}

/** @param {import("./process.mjs").Spec} spec */
export const attachMariadb = (spec) => attachSingle(spec, `mysql://root@${spec.ready.address}`)

/**
 * MariaDB with the same database and users as MySQL.
 * @param {import("./mysql.mjs").MysqlOptions} [options]
 */
export const startMariadb = async (options = {}) => {
  const how = await mariadbMeans()
  if (how.missing !== undefined) throw new Error(how.missing)
  return withPorts(1, async ([port]) => {
    const dir = await serverDir(options, "mariadb")
    await writeFile(join(dir, "init.sql"), `${initialSql}\n`)
    const more = options.args ?? []
    const command = how.via === "docker" ? dockerCommand(dir, port, more) : await localCommand(dir, port, more)
    const spec = { name: "mariadb", dir, ...command, ready: { kind: "mysql", address: `127.0.0.1:${port}` } }
    return startSingle(spec, `mysql://root@127.0.0.1:${port}`)
  })
}
