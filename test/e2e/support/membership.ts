import type { Program } from "./Program.js"

/** How often it has found out that its partitions are somebody else's. */
export const losses = (program: Program): number => program.lines(/partitions lost|fenced/).length

/** How often it has been given all partitions of a topic that has three. */
export const takeOvers = (program: Program): number => program.lines(/partitions assigned: 0, 1, 2 /).length
