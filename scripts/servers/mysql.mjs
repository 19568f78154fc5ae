import { join } from "node:path"
import { attachDatabase, databaseMeans, startDatabase } from "./database.mjs"
import { mysqlRoot } from "./debian.mjs"
import { prepare } from "./start.mjs"

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

/** @type {import("./database.mjs").Product} */
const mysql = {
  name: "mysql",
  local: localCommand,
  docker: { environment: "MYSQL_ALLOW_EMPTY_PASSWORD=yes", image: "mysql:8.4", args: [] }
}

export const mysqlMeans = databaseMeans
export const attachMysql = attachDatabase
/** @param {import("./database.mjs").MysqlOptions} [options] */
export const startMysql = (options = {}) => startDatabase(mysql, options)
