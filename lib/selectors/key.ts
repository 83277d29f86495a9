// SelectorKey: a selector's record of one file object.
import { inspect } from 'node:util';
import { callable } from '../util/callable.js';
import type { FileObject } from './arguments.js';

/** A namedtuple of Python: fields by name, by number (`key[0]`), and in order (`const [fileobj, fd] = key`). */
export class Key<out D = unknown, out F = FileObject> {
  /**
   * SelectorKey(fileobj, fd, events, data).
   *
   * @param fileobj the registered file object
   * @param fd its descriptor
   * @param events the events to wait for: EVENT_READ, EVENT_WRITE or both
   * @param data the attached data
   */
  constructor(
    readonly fileobj: F,
    readonly fd: number,
    readonly events: number,
    readonly data: D,
  ) {}

  get 0(): F {
    return this.fileobj;
  }

  get 1(): number {
    return this.fd;
  }

  get 2(): number {
    return this.events;
  }

  get 3(): D {
    return this.data;
  }

  get length(): 4 {
    return 4;
  }

  [Symbol.iterator](): IterableIterator<F | number | D> {
    return [this.fileobj, this.fd, this.events, this.data].values();
  }

  toString(): string {
    return inspect(this, { breakLength: Number.POSITIVE_INFINITY, depth: 0 });
  }
}

/**
 * SelectorKey(fileobj, fd, events, data), with or without `new`.
 *
 * @class
 */
export const SelectorKey = callable(Key, 'SelectorKey') as typeof Key &
  (<D = unknown, F = FileObject>(fileobj: F, fd: number, events: number, data: D) => Key<D, F>);
export type SelectorKey<D = unknown, F = FileObject> = Key<D, F>;
