import type * as Redacted from "effect/Redacted"

/** How a registry learns who asks, and how both ends know each other. */
export interface RegistryAccess {
  readonly authentication:
    | { readonly kind: "none" }
    /** `user:password` */
    | { readonly kind: "basic"; readonly userInfo: Redacted.Redacted }
    | { readonly kind: "bearer"; readonly token: Redacted.Redacted }
  readonly tls: RegistryTls
}

/** Texts in PEM format; undefined: the runtime's own authorities, no certificate of the client. */
export interface RegistryTls {
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: Redacted.Redacted | undefined
  readonly keyPassword: Redacted.Redacted | undefined
  readonly checkHostName: boolean
}

export const noRegistryAccess: RegistryAccess = {
  authentication: { kind: "none" },
  tls: { ca: undefined, certificate: undefined, key: undefined, keyPassword: undefined, checkHostName: true }
}
