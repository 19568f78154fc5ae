import * as Either from "effect/Either"

/** The parts of a full name. `namespace` "" is the null namespace. */
export interface FullName {
  readonly namespace: string
  readonly full: string
}

/** Far more than anybody writes; MySQL takes 64 characters. Every definition inside carries its namespace along. */
export const nameLengthMax = 1_024

const simpleName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What the specification allows for fields, symbols and each part of a full name. */
export const isSimpleName = (name: string): boolean => name.length <= nameLengthMax && simpleName.test(name)

const join = (namespace: string, name: string): string => namespace === "" ? name : `${namespace}.${name}`

/**
 * The full name of a definition (specification, section Names): a dotted name is full and its `namespace` attribute is
 * ignored; else the attribute counts; else the namespace around it.
 */
export const fullNameOf = (
  name: string,
  namespace: string | undefined,
  enclosing: string
): Either.Either<FullName, string> => {
  const dot = name.lastIndexOf(".")
  const space = dot >= 0 ? name.slice(0, dot) : (namespace ?? enclosing)
  const simple = name.slice(dot + 1)
  if (space.length + simple.length > nameLengthMax) {
    return Either.left(`a name has more than ${nameLengthMax} characters`)
  }
  const wrong = [...(space === "" ? [] : space.split(".")), simple].find((part) => !isSimpleName(part))
  return wrong === undefined
    ? Either.right({ namespace: space, full: join(space, simple) })
    : Either.left(`${JSON.stringify(join(space, simple))} is not a name that Avro allows`)
}

/**
 * Where a use of a name may point, in order: a dotted name is full; a simple one belongs to the namespace around it.
 * The null namespace as the second choice is what the Java library does, so schemas in registries rely on it.
 */
export const candidatesOf = (name: string, enclosing: string): ReadonlyArray<string> =>
  name.includes(".") ? [name.startsWith(".") ? name.slice(1) : name] : [join(enclosing, name), name]
