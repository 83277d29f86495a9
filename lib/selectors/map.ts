// SelectorMap, the result of get_map(): the keys of a selector, by file object.
import { inspect } from 'node:util';
import { UNCLONABLE_STATE } from '../util/unclonable.js';
import type { FileObject } from './arguments.js';
import type { SelectorKey } from './key.js';

/** A live view of a selector's keys, by file object or descriptor. keys() and entries() give descriptors. */
export interface SelectorMap<D = unknown, F = FileObject> extends Iterable<[number, SelectorKey<D, F>]> {
  /** How many file objects are registered. */
  readonly size: number;
  /**
   * get(fileobj) -> the key of a file object. See Python's selectors.BaseSelector.get_map.
   *
   * @param fileobj the file object, or the number of its descriptor
   * @returns the key; undefined if it is not registered
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * console.log(selector.get_map()?.get(sock)?.data); // the data
   */
  get(fileobj: F | number): SelectorKey<D, F> | undefined;
  /**
   * has(fileobj) -> whether it is registered. See Python's selectors.BaseSelector.get_map, `fileobj in map`.
   *
   * @param fileobj the file object, or the number of its descriptor
   * @returns true if it is registered
   * @example
   * console.log(selector.get_map()?.has(sock)); // false
   */
  has(fileobj: F | number): boolean;
  /**
   * keys() -> the descriptors that are registered. In Python's map the keys are descriptors, too.
   *
   * @returns an iterator of their numbers
   * @example
   * selector.register(sock, EVENT_READ);
   * console.log([...(selector.get_map()?.keys() ?? [])].length); // 1
   */
  keys(): IterableIterator<number>;
  /**
   * values() -> the keys of all file objects. See Python's Mapping.values.
   *
   * @returns an iterator of the keys
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * for (const key of selector.get_map()?.values() ?? []) console.log(key.data); // the data
   */
  values(): IterableIterator<SelectorKey<D, F>>;
  /**
   * entries() -> descriptor and key of each file object. See Python's Mapping.items.
   *
   * @returns an iterator of the pairs
   * @example
   * selector.register(sock, EVENT_READ);
   * for (const [fd, key] of selector.get_map()?.entries() ?? []) console.log(fd === key.fd); // true
   */
  entries(): IterableIterator<[number, SelectorKey<D, F>]>;
}

/** The SelectorMap of the selectors of this module. */
export class Mapping<D, F> implements SelectorMap<D, F> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #keys: ReadonlyMap<number, SelectorKey<D, F>>;
  readonly #lookup: (fileobj: unknown) => number;

  constructor(keys: ReadonlyMap<number, SelectorKey<D, F>>, lookup: (fileobj: unknown) => number) {
    this.#keys = keys;
    this.#lookup = lookup;
  }

  get size(): number {
    return this.#keys.size;
  }

  get(fileobj: F | number): SelectorKey<D, F> | undefined {
    return this.#keys.get(this.#lookup(fileobj));
  }

  has(fileobj: F | number): boolean {
    return this.get(fileobj) !== undefined;
  }

  keys(): IterableIterator<number> {
    return this.#keys.keys();
  }

  values(): IterableIterator<SelectorKey<D, F>> {
    return this.#keys.values();
  }

  entries(): IterableIterator<[number, SelectorKey<D, F>]> {
    return this.#keys.entries();
  }

  [Symbol.iterator](): IterableIterator<[number, SelectorKey<D, F>]> {
    return this.#keys.entries();
  }

  [inspect.custom](): string {
    return `<SelectorMap size=${this.size}>`;
  }
}
