/** Registries count from 1. What has no id (a file, a GUID, text) is a topic's only schema, or known by other means. */
export const schemaText = ({ schemaId }: { readonly schemaId: number }): string =>
  schemaId === 0 ? "the schema" : `schema ${schemaId}`
