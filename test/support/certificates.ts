import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"

/** X.509 certificates as tests need them, without a program that makes them: ECDSA over P-256, valid from 2020 to 2100. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

interface Authority extends Certificate {
  readonly name: string
  readonly privateKey: KeyObject
}

const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 128
    ? [body.length]
    : body.length < 256
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const hex = (digits: string) => Buffer.from(digits, "hex")
const sequence = (...parts: ReadonlyArray<Uint8Array>) => der(0x30, ...parts)

const ecdsaWithSha256 = sequence(hex("06082a8648ce3d040302"))
const commonName = hex("0603550403")
const basicConstraints = hex("0603551d13")
const subjectAltName = hex("0603551d11")
const nameOf = (name: string) => sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(name)))))
const validity = sequence(der(0x17, Buffer.from("200101000000Z")), der(0x18, Buffer.from("21000101000000Z")))
const extension = (id: Buffer, value: Buffer) => sequence(id, der(0x04, value))

const pem = (body: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${body.toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`

let serial = 1

const issue = (name: string, extensions: ReadonlyArray<Buffer>, issuer: Authority | undefined): Authority => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial++])),
    ecdsaWithSha256,
    nameOf(issuer?.name ?? name),
    validity,
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions))
  )
  const signature = sign("sha256", body, issuer?.privateKey ?? privateKey)
  return {
    name,
    privateKey,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate: pem(sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature)))
  }
}

export const makeAuthority = (name: string): Authority =>
  issue(name, [extension(basicConstraints, sequence(der(0x01, Buffer.from([0xff]))))], undefined)

/** For a DNS name, or for 127.0.0.1. */
export const makeCertificate = (authority: Authority, name: string): Certificate => {
  const alternative = name === "127.0.0.1" ? der(0x87, Buffer.from([127, 0, 0, 1])) : der(0x82, Buffer.from(name))
  return issue(name, [extension(subjectAltName, sequence(alternative))], authority)
}
