// Python's class attributes: a default on the class (`static`), which a subclass may replace by a `static` of its own and an
// object by a field. An accessor on the prototype finds the one that counts.

/** The value of an attribute of a class or of one above it. */
function class_value(of: object, name: string): unknown {
  return Reflect.get(of.constructor, name);
}

/**
 * Makes static members readable and writable on the objects of a class, as Python does.
 *
 * @param Class where the statics of these names are
 * @param names the attributes
 */
export function class_attributes(Class: { readonly prototype: object }, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(Class.prototype, name, {
      configurable: true,
      get(this: object) {
        return class_value(this, name);
      },
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}

/**
 * Whether an object's method is another than that of the class that declares it: somebody wrote a hook.
 *
 * @param object the server
 * @param name the method
 * @param plain classes whose own method of that name does not count
 */
export function is_overridden(
  object: object,
  name: string,
  plain: readonly { prototype: object }[],
): boolean {
  const method: unknown = Reflect.get(object, name);
  return !plain.some(({ prototype }) => Reflect.get(prototype, name) === method);
}

/** Attributes that have had their effect: what they are set to later has none. */
export class UsedAttributes {
  readonly #values = new Map<string, unknown>();

  /** Remembers that the values of these were made use of. */
  use(object: object, ...names: readonly string[]): void {
    for (const name of names) this.#values.set(name, Reflect.get(object, name));
  }

  /** Tells, once, of those that are others by now: a field of a class is set after the constructor of the class above. */
  warn(object: object): void {
    for (const [name, value] of this.#values) {
      if (Reflect.get(object, name) === value) continue;
      process.emitWarning(
        `${object.constructor.name}.${name} was set when the server's socket was there already, and had no effect: ` +
          `write \`static ${name} = …\` in the class, in place of a field`,
        'RuntimeWarning',
      );
    }
    this.#values.clear();
  }
}
