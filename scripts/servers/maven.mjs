import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { cached, run } from "./cache.mjs"

/** @param {string} version */
const pom = (version) =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tributary</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`

/** Kafka's jars and those they need, from Maven Central. @param {string} version */
export const kafkaJars = async (version) => {
  const dir = await cached(`kafka-${version}`, async (partial) => {
    await writeFile(join(partial, "pom.xml"), pom(version))
    await run("mvn", ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"], { cwd: partial })
  })
  return join(dir, "libs")
}

/** Apicurio Registry, which speaks the Confluent API. @param {string} version 3.0.x runs on Java 17, 3.3 needs 21 */
export const registryJar = async (version) => {
  const dir = await cached(`registry-${version}`, async (partial) => {
    const artifact = `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`
    await run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, "-DoutputDirectory=."], { cwd: partial })
    const [archive] = (await readdir(partial)).filter((name) => name.endsWith(".tar.gz"))
    await mkdir(join(partial, "app"))
    await run("tar", ["xzf", archive, "-C", "app"], { cwd: partial })
  })
  const entries = await readdir(join(dir, "app"), { recursive: true })
  const jar = entries.find((name) => name.endsWith("-runner.jar"))
  if (jar === undefined) throw new Error(`no runner jar in ${dir}`)
  return join(dir, "app", jar)
}
