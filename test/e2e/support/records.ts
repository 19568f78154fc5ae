import { Schema } from "effect"

/**
 * Records whose encoding is written out here, not by the program's own codec: two short strings. Every byte of them is
 * ASCII and no line break, so that Java's console producer can send them as lines.
 */
const schemaText = (doc: string) =>
  JSON.stringify({
    type: "record",
    name: "Entry",
    doc,
    fields: [{ name: "id", type: "string" }, { name: "text", type: "string" }]
  })

/** What the pipeline makes of the schema, made by hand, with a column that tells the order of insertion. */
export const tableWithSequence = (table: string) =>
  `CREATE TABLE \`${table}\` (
     id VARCHAR(40) NOT NULL, text VARCHAR(80) NOT NULL,
     _source SMALLINT UNSIGNED NOT NULL, _partition INT NOT NULL, _offset BIGINT NOT NULL,
     seq BIGINT NOT NULL AUTO_INCREMENT UNIQUE,
     PRIMARY KEY (_source, _partition, _offset))`

const Registered = Schema.Struct({ id: Schema.Number })
const isPlain = (byte: number) => byte < 0x80 && byte !== 10 && byte !== 13

export const register = async (registry: string, subject: string, schema: string): Promise<number> => {
  const answer = await fetch(`${registry}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema })
  })
  if (!answer.ok) throw new Error(`the registry answers ${answer.status} to ${subject}: ${await answer.text()}`)
  return Schema.decodeUnknownSync(Registered)(await answer.json()).id
}

/** Registers the schema for these topics; answers its id, whose bytes are ASCII and no line break either. */
export const registerEntry = async (registry: string, topics: ReadonlyArray<string>): Promise<number> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const schema = schemaText(`${topics.join()} ${attempt}`)
    const ids = new Set<number>()
    for (const topic of topics) ids.add(await register(registry, `${topic}-value`, schema))
    const [id = 0] = ids
    if (ids.size === 1 && idBytes(id).every(isPlain)) return id
  }
  throw new Error("the registry gives no id that can be sent as a line")
}

const idBytes = (id: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(id)
  return bytes
}

/** Length as Avro writes it, zigzag; one byte, and no line break. */
const short = (text: string): Buffer => {
  const bytes = Buffer.from(text, "ascii")
  if (bytes.length < 8 || bytes.length > 60) throw new Error(`${text} has ${bytes.length} bytes`)
  return Buffer.concat([Buffer.from([bytes.length * 2]), bytes])
}

/** A record in the registry's framing. */
export const entry = (schemaId: number, id: string, text: string): Buffer =>
  Buffer.concat([Buffer.from([0]), idBytes(schemaId), short(id), short(text)])
