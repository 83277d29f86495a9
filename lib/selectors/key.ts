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

  /** The field fileobj. */
  get 0(): F {
    return this.fileobj;
  }

  /** The field fd. */
  get 1(): number {
    return this.fd;
  }

  /** The field events. */
  get 2(): number {
    return this.events;
  }

  /** The field data. */
  get 3(): D {
    return this.data;
  }

  /** The number of fields. */
  get length(): 4 {
    return 4;
  }

  /**
   * Gives the fields in order, as of a namedtuple of Python: fileobj, fd, events, data.
   *
   * @returns an iterator of its own
   * @example
   * const [fileobj, fd] = selector.register(sock, EVENT_READ);
   * console.log(fileobj === sock, fd === sock.fileno()); // true true
   */
  [Symbol.iterator](): IterableIterator<F | number | D> {
    return [this.fileobj, this.fd, this.events, this.data].values();
  }

  /**
   * toString() -> one line with the fields, as Python's repr().
   *
   * @returns the line
   * @example
   * console.log(`${selector.register(0, EVENT_READ, 'input')}`); // for example SelectorKey(fileobj=0, fd=0, events=1, data=input)
   */
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
