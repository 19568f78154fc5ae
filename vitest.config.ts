import { defineConfig } from "vitest/config"

const real = ["test/integration/**/*.test.ts", "test/e2e/**/*.test.ts"]

export default defineConfig({
  test: {
    // One more than the cores of a small machine: tests on real servers wait for most of their time. Files share the
    // servers and nothing on them: topics, groups and databases are each file's own.
    maxWorkers: 3,
    minWorkers: 1,
    teardownTimeout: 30_000,
    reporters: ["default", "./test/servers/reporter.ts"],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary", "html"] },
    projects: [
      // Nothing here waits for time to pass; the limit only ends what hangs, also on a machine that is busy with more.
      { test: { name: "unit", include: ["test/**/*.test.ts"], exclude: real, testTimeout: 180_000 } },
      {
        test: {
          name: "integration",
          include: real,
          globalSetup: "./test/servers/globalSetup.ts",
          setupFiles: "./test/servers/atEnd.ts",
          pool: "forks",
          testTimeout: 180_000,
          hookTimeout: 300_000
        }
      }
    ]
  }
})
