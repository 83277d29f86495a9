// SelectorMap, the result of get_map(): the keys of a selector, by file object.
import { inspect } from 'node:util';
import { UNCLONABLE_STATE } from '../util/unclonable.js';
import type { FileObject } from './arguments.js';
import type { SelectorKey } from './key.js';

/** A live view of a selector's keys, by file object or descriptor. keys() and entries() give descriptors. */
export interface SelectorMap<D = unknown, F = FileObject> extends Iterable<[number, SelectorKey<D, F>]> {
  readonly size: number;
  /** Returns the key of a file object; undefined if it is not registered. */
  get(fileobj: F | number): SelectorKey<D, F> | undefined;
  has(fileobj: F | number): boolean;
  keys(): IterableIterator<number>;
  values(): IterableIterator<SelectorKey<D, F>>;
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
