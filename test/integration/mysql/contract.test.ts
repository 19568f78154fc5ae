import { Effect, Layer } from "effect"
import { Destination } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { destinationContract } from "../../contracts/destination.js"
import { describeWith } from "../../servers/index.js"
import { ownDatabase } from "./support.js"

describeWith(["mysql"], "MySQL", (servers) => {
  const live = Layer.unwrapScoped(Effect.map(ownDatabase(servers.mysql), ({ config }) => layerMysql(config)))
  const prepared = Layer.tap(
    live,
    (context) => Effect.flatMap(Destination, ({ prepare }) => prepare).pipe(Effect.provide(context))
  )
  destinationContract("MySQL", prepared)
})
