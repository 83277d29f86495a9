// Python's classes are called without `new`.

/**
 * The class, callable without `new` as well, and a base for classes all the same.
 *
 * A function around the class would do as well, but V8 would give every object that it makes a hidden class of its own.
 *
 * @param name what the class is called from now on
 */
export function callable<Class extends new (...args: never[]) => object>(Class: Class, name: string): Class {
  const construct: Class = new Proxy(Class, {
    apply: (_target, _this, args) => Reflect.construct(Class, args),
    construct: (_target, args, new_target) => {
      return Reflect.construct(Class, args, new_target === construct ? Class : new_target);
    },
  });
  Object.defineProperty(Class, 'name', { value: name });
  Object.defineProperty(Class.prototype, 'constructor', {
    value: construct,
    configurable: true,
    writable: true,
  });
  return construct;
}
