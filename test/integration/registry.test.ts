import { randomBytes } from "node:crypto"
import { layer } from "../../src/layers/registry/HttpRegistry.js"
import { noRegistryAccess } from "../../src/domain/RegistryAccess.js"
import { schemaRegistryContract } from "../contracts/schemaRegistry.js"
import { describeWith } from "../servers/index.js"

describeWith(["registry"], "a real schema registry", ({ registry }) => {
  schemaRegistryContract(layer({ urls: [registry], ...noRegistryAccess }), `x${randomBytes(4).toString("hex")}`)
})

describeWith(["registry"], "a real schema registry behind an address that nobody answers", ({ registry }) => {
  schemaRegistryContract(
    layer({ urls: ["http://127.0.0.1:9", `${registry}/`], ...noRegistryAccess }),
    `y${randomBytes(4).toString("hex")}`
  )
})
