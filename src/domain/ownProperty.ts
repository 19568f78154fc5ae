/** Sets a property of the object itself, also one named `__proto__`: assigned, that would set the prototype. */
export const setOwn = (object: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__") {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  } else object[name] = value
}
