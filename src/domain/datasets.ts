import { customer } from "./datasets/customer.js"
import { quote } from "./datasets/quote.js"
import type { DatasetRecord } from "./datasets/record.js"
import { transaction } from "./datasets/transaction.js"
import { makeRandom, seedOf } from "./random.js"

/** The data sets of the walk-through. The schema of each lies in `schemas/<name>.avsc`. */
export const datasets = ["dataset1", "dataset2", "dataset3"] as const
export type Dataset = (typeof datasets)[number]

const makers = { dataset1: transaction, dataset2: customer, dataset3: quote } as const

/**
 * Record number `index` (a non-negative safe integer) of a data set: the same for the same seed, whatever was made
 * before it, so that several producers can share the work and a check can make every record again.
 */
export const datasetRecord = (dataset: Dataset, seed: number, index: number): DatasetRecord =>
  makers[dataset](makeRandom(seedOf(datasets.indexOf(dataset), seed, index)), index)
