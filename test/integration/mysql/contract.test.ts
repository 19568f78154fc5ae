import { Effect, Layer } from "effect"
import { Destination } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { destinationContract } from "../../contracts/destination.js"
import { describeOnEach } from "../../servers/index.js"
import { ownDatabase } from "./support.js"

describeOnEach("the contract", ({ address, label }) => {
  const live = Layer.unwrapScoped(Effect.map(ownDatabase(address), ({ config }) => layerMysql(config)))
  const prepared = Layer.tap(
    live,
    (context) => Effect.flatMap(Destination, ({ prepare }) => prepare).pipe(Effect.provide(context))
  )
  destinationContract(label, prepared)
})
