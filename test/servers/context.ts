/** A server that the tests may use, or why there is none. */
export type Available = { readonly address: string } | { readonly missing: string }
/** Whether a test may start a server of its own, to kill and restart it, or why not. */
export type Startable = { readonly missing?: string }

export type ServerName = "kafka" | "registry" | "mysql" | "mariadb"
export const serverNames: ReadonlyArray<ServerName> = ["kafka", "registry", "mysql", "mariadb"]

declare module "vitest" {
  export interface ProvidedContext {
    readonly kafka: Available
    readonly registry: Available
    readonly mysql: Available
    readonly mariadb: Available
    readonly startable: Readonly<Record<ServerName, Startable>>
    /** The servers without which the run fails. */
    readonly required: ReadonlyArray<string>
  }
}
