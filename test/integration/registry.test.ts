import { randomBytes } from "node:crypto"
import { layer } from "../../src/layers/registry/HttpRegistry.js"
import { schemaRegistryContract } from "../contracts/schemaRegistry.js"
import { describeWith } from "../servers/index.js"

describeWith(["registry"], "a real schema registry", ({ registry }) => {
  schemaRegistryContract(layer([registry]), `x${randomBytes(4).toString("hex")}`)
})

describeWith(["registry"], "a real schema registry behind an address that nobody answers", ({ registry }) => {
  schemaRegistryContract(layer(["http://127.0.0.1:9", `${registry}/`]), `y${randomBytes(4).toString("hex")}`)
})
