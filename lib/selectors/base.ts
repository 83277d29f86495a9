// BaseSelector: the interface of a selector, and the base class of the selectors of this module and of the user's own.
import { inspect } from 'node:util';
import { KeyError, RuntimeError } from '../errors/builtins.js';
import { UNCLONABLE } from '../util/unclonable.js';
import type { WaitOptions } from '../util/wait_options.js';
import type { FileObject } from './arguments.js';
import type { SelectorKey } from './key.js';
import type { SelectorMap } from './map.js';

/** Wait until the file object can be read. */
export const EVENT_READ = 1;
/** Wait until the file object can be written. */
export const EVENT_WRITE = 2;

/** The result of select(): the keys that are ready, each with the events that it is ready for. */
export type Ready<D = unknown, F = FileObject> = [key: SelectorKey<D, F>, events: number][];

/** The last argument of `select_async`; its `timeout` stands in place of the first argument. */
export type SelectOptions = WaitOptions;

/** The arguments of `select_async`: the time-out may be left out before the options. */
export type SelectArguments = [options?: SelectOptions] | [timeout?: number | null, options?: SelectOptions];

/**
 * @typeParam D the data attached to file objects
 * @typeParam F the file objects: descriptors, or objects with `fileno()`
 */
export abstract class BaseSelector<D = unknown, F = FileObject> {
  /** @internal */ readonly _unclonable = UNCLONABLE;

  constructor() {
    if (new.target === BaseSelector) {
      throw new TypeError('BaseSelector is abstract: take DefaultSelector, or extend it');
    }
  }

  /**
   * register(fileobj, events, data = null) -> its key. Begins to watch a file object.
   *
   * @param fileobj a descriptor's number, or an object with `fileno()`
   * @param events EVENT_READ, EVENT_WRITE or both
   * @param data anything, for the caller's own use
   * @throws KeyError if the file object is registered already; OSError; TypeError, RangeError
   */
  abstract register(fileobj: F, events: number, data?: D | null): SelectorKey<D, F>;

  /**
   * unregister(fileobj) -> its key. Ends watching a file object, which may be closed already.
   *
   * @throws KeyError if the file object is not registered; TypeError, RangeError
   */
  abstract unregister(fileobj: F | number): SelectorKey<D, F>;

  /**
   * modify(fileobj, events, data = null) -> its new key. Changes the events to wait for, and the attached data.
   *
   * @throws KeyError if the file object is not registered; OSError; TypeError, RangeError
   */
  modify(fileobj: F, events: number, data?: D | null): SelectorKey<D, F> {
    this.unregister(fileobj);
    return this.register(fileobj, events, data);
  }

  /**
   * select(timeout = null) -> [key, events] of each file object that is ready. Blocks this thread.
   *
   * @param timeout in seconds; null: no limit; 0 or less: does not wait
   * @returns an empty array once the time has passed
   */
  abstract select(timeout?: number | null): Ready<D, F>;

  /** select_async(timeout = null, { signal, timeout }) -> a promise of select()'s result; the event loop goes on meanwhile. */
  select_async(..._rest: SelectArguments): Promise<Ready<D, F>> {
    return Promise.reject(new TypeError(`${this.constructor.name} has no select_async()`));
  }

  /** close(). Frees the selector's resources; the file objects stay open. */
  close(): void {}

  [Symbol.dispose](): void {
    this.close();
  }

  /** get_key(fileobj) -> the key of a file object. @throws KeyError if it is not registered; RuntimeError after close() */
  get_key(fileobj: F | number): SelectorKey<D, F> {
    const map = this.get_map();
    if (map === null) throw new RuntimeError('Selector is closed');
    const key = map.get(fileobj);
    if (key === undefined) throw new KeyError(`${describe(fileobj)} is not registered`);
    return key;
  }

  /** get_map() -> the keys by file object; null after close(). */
  abstract get_map(): SelectorMap<D, F> | null;

  [inspect.custom](): string {
    const map = this.get_map();
    return `<${this.constructor.name} ${map === null ? '[closed]' : `file objects=${map.size}`}>`;
  }
}

/** Returns the text of a file object for an error message. */
export function describe(fileobj: unknown): string {
  return typeof fileobj === 'number'
    ? `fd ${fileobj}`
    : inspect(fileobj, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
}
