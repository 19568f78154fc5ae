import { Context, Effect, Layer } from "effect"

/** One service of a layer that lives as long as the test's scope. */
export const serviceOf = <I, S, E>(tag: Context.Tag<I, S>, layer: Layer.Layer<I, E>) =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, tag))
