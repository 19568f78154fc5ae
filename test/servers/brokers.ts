/** For brokers that nobody kills: a stall of some seconds must not take the leaders of their partitions away. */
export const neverKilled = { "broker.session.timeout.ms": 60_000 }
