// Python's class attributes: a default on the class (`static`), which a subclass replaces by a `static` of its own, and an object
// by a field. An accessor on the prototype finds the value. Also here: tests for overridden hooks and for attributes set too late.
import { inspect } from 'node:util';

/** Returns the value of an attribute of the object's class, or of the nearest class above that has it. */
function class_value(of: object, name: string): unknown {
  return Reflect.get(of.constructor, name);
}

/**
 * Makes static members readable and writable on the objects of a class, as Python does.
 *
 * @param Class the class with the statics of these names
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

/** Has console.log() show objects of a class of servers as one line. */
export function show_by_address(Class: { readonly prototype: { readonly server_address: unknown } }): void {
  // Not a member of the class: the types of the mix-ins could not name it.
  Object.defineProperty(Class.prototype, inspect.custom, {
    value(this: { readonly server_address: unknown }): string {
      const address = inspect(this.server_address, { breakLength: Number.POSITIVE_INFINITY });
      return `<${this.constructor.name} server_address=${address}>`;
    },
  });
}

/**
 * Returns whether an object's method is overridden: it is none of the library's own.
 *
 * @param object the server
 * @param name the method
 * @param plain classes of the library: their own method of that name is no override
 */
export function is_overridden(
  object: object,
  name: string,
  plain: readonly { prototype: object }[],
): boolean {
  const method: unknown = Reflect.get(object, name);
  return !plain.some(({ prototype }) => Reflect.get(prototype, name) === method);
}

/** Attributes whose values were used already: a later change has no effect. */
export class UsedAttributes {
  readonly #values = new Map<string, unknown>();

  /** Remembers the values of attributes that are used now. */
  use(object: object, ...names: readonly string[]): void {
    for (const name of names) this.#values.set(name, Reflect.get(object, name));
  }

  /** Warns, once, of values that have changed since: a field of a class is set after the constructor of the class above. */
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
