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
export type SelectArguments =
  | [options?: SelectOptions | undefined]
  | [timeout?: number | null | undefined, options?: SelectOptions | undefined];

/**
 * The methods of all selectors; a base for one's own. See Python's selectors.BaseSelector. In the examples `selector` is a DefaultSelector,
 * and `sock` and `peer` are connected.
 *
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
   * register(fileobj, events, data = null) -> its key. Begins to watch a file object. See Python's selectors.BaseSelector.register.
   *
   * @param fileobj a descriptor's number, or an object with `fileno()`
   * @param events EVENT_READ, EVENT_WRITE or both
   * @param data anything, for the caller's own use
   * @returns the key, with the fields fileobj, fd, events, data
   * @throws KeyError if the file object is registered already; OSError EPERM for a file on epoll, EBADF for a closed descriptor
   * @example
   * const key = selector.register(sock, EVENT_READ, 'the data');
   * console.log(key.events === EVENT_READ, key.data); // true the data
   */
  abstract register(fileobj: F, events: number, data?: D | null): SelectorKey<D, F>;

  /**
   * unregister(fileobj) -> its key. Ends watching a file object, which may be closed already. See Python's
   * selectors.BaseSelector.unregister.
   *
   * @param fileobj the file object, or the number of its descriptor
   * @returns the key that it had
   * @throws KeyError if the file object is not registered
   * @example
   * selector.register(sock, EVENT_READ);
   * console.log(selector.unregister(sock).fileobj === sock); // true
   */
  abstract unregister(fileobj: F | number): SelectorKey<D, F>;

  /**
   * modify(fileobj, events, data = null) -> its new key. Changes the events to wait for, and the attached data. See Python's
   * selectors.BaseSelector.modify.
   *
   * @param fileobj the registered file object
   * @param events EVENT_READ, EVENT_WRITE or both
   * @param data replaces the attached data
   * @returns the new key; the old one stays as it is
   * @throws KeyError if the file object is not registered; OSError
   * @example
   * selector.register(sock, EVENT_READ);
   * console.log(selector.modify(sock, EVENT_READ | EVENT_WRITE).events); // 3
   */
  modify(fileobj: F, events: number, data?: D | null): SelectorKey<D, F> {
    this.unregister(fileobj);
    return this.register(fileobj, events, data);
  }

  /**
   * select(timeout = null) -> [key, events] of each file object that is ready. Blocks this thread. See Python's
   * selectors.BaseSelector.select.
   *
   * @param timeout in seconds; null: no limit; 0 or less: does not wait
   * @returns an empty array once the time has passed
   * @throws InterruptedError by a signal after siginterrupt(true); OSError EBADF by select(2) for a closed descriptor; RuntimeError for a
   *   closed selector
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * peer.sendall('hello');
   * for (const [key, events] of selector.select(5)) console.log(key.data, events === EVENT_READ); // the data true
   */
  abstract select(timeout?: number | null): Ready<D, F>;

  /**
   * select_async(timeout = null, { signal, timeout }) -> a promise of select()'s result; the event loop goes on meanwhile. One call at a
   * time. See docs/selectors.md.
   *
   * @param _rest a time-out in seconds, null: no limit, 0 or less: does not wait; `{ signal, timeout }`
   * @returns [key, events] of each file object that is ready; an empty array once the time has passed
   * @throws the signal's reason; OSError ECANCELED after close(); RuntimeError for a second call or a closed selector
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * peer.sendall('hello');
   * for (const [key] of await selector.select_async(5)) console.log(key.data); // the data
   */
  select_async(..._rest: SelectArguments): Promise<Ready<D, F>> {
    return Promise.reject(new TypeError(`${this.constructor.name} has no select_async()`));
  }

  /**
   * close(). Frees the selector's resources; the file objects stay open. See Python's selectors.BaseSelector.close.
   *
   * @example
   * selector.close();
   * console.log(selector.get_map()); // null
   */
  close(): void {}

  /**
   * The same as close(), for the statement `using` of ECMAScript: `using selector = new DefaultSelector();`.
   *
   * @example
   * selector[Symbol.dispose]();
   * console.log(selector.get_map()); // null
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * get_key(fileobj) -> the key of a file object. See Python's selectors.BaseSelector.get_key.
   *
   * @param fileobj the file object, or the number of its descriptor
   * @returns the key
   * @throws KeyError if it is not registered; RuntimeError after close()
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * console.log(selector.get_key(sock).data); // the data
   */
  get_key(fileobj: F | number): SelectorKey<D, F> {
    const map = this.get_map();
    if (map === null) throw new RuntimeError('Selector is closed');
    const key = map.get(fileobj);
    if (key === undefined) throw new KeyError(`${describe(fileobj)} is not registered`);
    return key;
  }

  /**
   * get_map() -> the keys by file object. See Python's selectors.BaseSelector.get_map.
   *
   * @returns a view that follows every change; null after close()
   * @example
   * selector.register(sock, EVENT_READ);
   * console.log(selector.get_map()?.has(sock)); // true
   */
  abstract get_map(): SelectorMap<D, F> | null;

  /**
   * What Node's console and util.inspect show: the class, and how many file objects are registered.
   *
   * @returns one line of text
   * @example
   * console.log(selector); // for example <EpollSelector size=0>
   */
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
