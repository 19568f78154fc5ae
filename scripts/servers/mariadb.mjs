import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { attachDatabase, databaseMeans, startDatabase } from "./database.mjs"
import { mariadbRoot } from "./debian.mjs"
import { prepare } from "./start.mjs"

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

/** @type {import("./database.mjs").Product} */
const mariadb = {
  name: "mariadb",
  local: localCommand,
  docker: { environment: "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes", image: "mariadb:10.11", args: ["--log-bin"] }
}

export const mariadbMeans = databaseMeans
export const attachMariadb = attachDatabase
/** @param {import("./database.mjs").MysqlOptions} [options] */
export const startMariadb = (options = {}) => startDatabase(mariadb, options)
