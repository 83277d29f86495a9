// The selectors: file objects by descriptor, on a multiplexer. EpollSelector, PollSelector and SelectSelector differ only in
// their multiplexer.
import { constants } from 'node:os';
import { EPOLLIN, EPOLLOUT } from '../constants.js';
import { KeyError, RuntimeError } from '../errors/builtins.js';
import { InterruptedError, OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { callable } from '../util/callable.js';
import { integer, shown } from '../util/validate.js';
import { check_options, one_timeout, promised, signal_of, take_options } from '../util/wait_options.js';
import { type FileObject, fd_of, timeout_ms } from './arguments.js';
import { BaseSelector, describe, EVENT_READ, EVENT_WRITE, type Ready, type SelectArguments } from './base.js';
import { Epoll } from './epoll.js';
import { Interests } from './interests.js';
import { Key, type SelectorKey } from './key.js';
import { Mapping, type SelectorMap } from './map.js';
import type { Multiplexer } from './multiplexer.js';
import { PendingSelect } from './pending.js';

// The masks for reading and writing: EPOLLIN equals POLLIN and EPOLLOUT equals POLLOUT, for all three multiplexers.
const [IN, OUT] = [EPOLLIN, EPOLLOUT];

/** Returns the multiplexer's mask of EVENT_… events. */
function mask_of(events: number): number {
  return ((events & EVENT_READ) === 0 ? 0 : IN) | ((events & EVENT_WRITE) === 0 ? 0 : OUT);
}

/** Returns the EVENT_… events of a multiplexer's mask: any other bit, such as an error, makes reads and writes ready. */
function events_of(mask: number): number {
  return ((mask & ~OUT) === 0 ? 0 : EVENT_READ) | ((mask & ~IN) === 0 ? 0 : EVENT_WRITE);
}

function check_events(value: unknown): number {
  const events = integer(value, 'events');
  if (events > 0 && (events & ~(EVENT_READ | EVENT_WRITE)) === 0) return events;
  throw new RangeError(`events must be EVENT_READ, EVENT_WRITE or both, not ${shown(value)}`);
}

/** Returns a time-out in seconds as milliseconds, -1 for none; 0 or less does not wait. */
function select_ms(timeout: unknown): number {
  const ms = timeout_ms(timeout, 1000);
  return ms < 0 && timeout !== null && timeout !== undefined ? 0 : ms;
}

abstract class Selector<D, F, M extends Multiplexer> extends BaseSelector<D, F> {
  readonly #multiplexer: M;
  readonly #keys = new Map<number, SelectorKey<D, F>>();
  readonly #map: SelectorMap<D, F>;
  #closed = false;
  #pending: PendingSelect<Ready<D, F>[number]> | undefined;

  constructor(multiplexer: M) {
    super();
    this.#multiplexer = multiplexer;
    this.#map = new Mapping(this.#keys, (fileobj) => this.#lookup(fileobj));
  }

  /** @internal */
  get _multiplexer(): M {
    return this.#multiplexer;
  }

  /** Returns the descriptor of a file object; for a closed one, the descriptor that it was registered with. */
  #lookup(fileobj: unknown): number {
    try {
      return fd_of(fileobj, 'fileobj');
    } catch (error) {
      for (const key of this.#keys.values()) if (key.fileobj === fileobj) return key.fd;
      throw error;
    }
  }

  #registered(fileobj: unknown): SelectorKey<D, F> {
    this.#check_open();
    const key = this.#keys.get(this.#lookup(fileobj));
    if (key === undefined) throw new KeyError(`${describe(fileobj)} is not registered`);
    return key;
  }

  #check_open(): void {
    if (this.#closed) throw new RuntimeError('Selector is closed');
  }

  register(fileobj: F, events: number, data: D | null = null): SelectorKey<D, F> {
    this.#check_open();
    const interest = check_events(events);
    const fd = this.#lookup(fileobj);
    if (this.#keys.has(fd)) {
      throw new KeyError(
        `${describe(fileobj)} is already registered${typeof fileobj === 'number' ? '' : ` (fd ${fd})`}`,
      );
    }
    this.#multiplexer.register(fd, mask_of(interest));
    return this.#keep(fileobj, fd, interest, data);
  }

  #keep(fileobj: F, fd: number, events: number, data: D | null): SelectorKey<D, F> {
    // Without the argument, data is null: the caller's D includes null then.
    const key = new Key<D, F>(fileobj, fd, events, data as D);
    this.#keys.set(fd, key);
    return key;
  }

  unregister(fileobj: F | number): SelectorKey<D, F> {
    const key = this.#registered(fileobj);
    this.#keys.delete(key.fd);
    try {
      this.#multiplexer.unregister(key.fd);
    } catch (error) {
      // The descriptor was closed meanwhile: the kernel has ended watching it already.
      if (!(error instanceof OSError)) throw error;
    }
    return key;
  }

  override modify(fileobj: F, events: number, data: D | null = null): SelectorKey<D, F> {
    const interest = check_events(events);
    const key = this.#registered(fileobj);
    if (interest !== key.events) {
      try {
        this.#multiplexer.modify(key.fd, mask_of(interest));
      } catch (error) {
        this.#keys.delete(key.fd);
        throw error;
      }
    } else if (data === key.data) return key;
    return this.#keep(key.fileobj, key.fd, interest, data);
  }

  select(timeout?: number | null): Ready<D, F> {
    this.#check_open();
    return this.#select(select_ms(timeout));
  }

  #select(limit_ms: number): Ready<D, F> {
    const ready: Ready<D, F> = [];
    try {
      this.#multiplexer._wait(limit_ms, this.#keys.size || 1, (fd, mask) => {
        const key = this.#keys.get(fd);
        if (key !== undefined) ready.push([key, events_of(mask) & key.events]);
      });
    } catch (error) {
      // siginterrupt(true) was called, and a signal ended the wait.
      if (!(error instanceof InterruptedError)) throw error;
    }
    return ready;
  }

  /**
   * select_async(timeout = null, { signal, timeout }) -> a promise of select()'s result. One call at a time; it keeps the process
   * alive. See docs/selectors.md.
   *
   * The call takes changes by register, modify and unregister into account while it waits. The event loop gets a turn even if a
   * file object is ready at once.
   *
   * @param rest a time-out in seconds, null: no limit, 0 or less: does not wait; `{ signal, timeout }`
   * @returns [key, events] of each file object that is ready; an empty array once the time has passed
   * @throws the signal's reason; OSError ECANCELED after close(); RuntimeError for a second call or a closed selector
   * @example
   * selector.register(sock, EVENT_READ, 'the data');
   * peer.sendall('hello');
   * for (const [key] of await selector.select_async(5)) console.log(key.data); // the data
   */
  override select_async(...rest: SelectArguments): Promise<Ready<D, F>> {
    return promised(() => {
      this.#check_open();
      const options = check_options(take_options(rest, 1) ?? {});
      const [timeout] = rest as [(number | null)?];
      const limit_ms = select_ms(one_timeout(timeout, options));
      const signal = signal_of(options);
      if (this.#pending !== undefined) throw new RuntimeError('select_async() waits already: one at a time');
      signal?.throwIfAborted();
      this.#pending = new PendingSelect(
        this.#multiplexer,
        () => this.#select(0),
        limit_ms,
        signal,
        () => {
          this.#pending = undefined;
        },
      );
      return this.#pending.promise;
    });
  }

  override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending?.fail(canceled());
    this.#keys.clear();
    this.#multiplexer.close();
  }

  get_map(): SelectorMap<D, F> | null {
    return this.#closed ? null : this.#map;
  }
}

function canceled(): unknown {
  try {
    return raise(-constants.errno.ECANCELED, { syscall: 'select_async', args: { closed: 'selector' } });
  } catch (error) {
    return error;
  }
}

class OnEpoll<D = unknown, F = FileObject> extends Selector<D, F, Epoll> {
  constructor() {
    super(new Epoll());
  }

  /**
   * fileno() -> the descriptor of the epoll instance. See Python's selectors.EpollSelector.fileno.
   *
   * @returns the number of the descriptor, which stays the selector's
   * @throws RangeError after close()
   * @example
   * console.log(new EpollSelector().fileno() >= 0); // true
   */
  fileno(): number {
    return this._multiplexer.fileno();
  }
}

class OnPoll<D = unknown, F = FileObject> extends Selector<D, F, Interests> {
  constructor() {
    super(new Interests('poll'));
  }
}

class OnSelect<D = unknown, F = FileObject> extends Selector<D, F, Interests> {
  constructor() {
    super(new Interests('select'));
  }
}

/**
 * EpollSelector(): on epoll(7), for any number of descriptors.
 *
 * @class
 * @example
 * const selector = new EpollSelector();
 */
export const EpollSelector = callable(OnEpoll, 'EpollSelector') as typeof OnEpoll &
  (<D = unknown, F = FileObject>() => OnEpoll<D, F>);
export type EpollSelector<D = unknown, F = FileObject> = OnEpoll<D, F>;

/**
 * PollSelector(): on poll(2), which also takes files, and reports closed descriptors.
 *
 * @class
 * @example
 * const selector = new PollSelector();
 */
export const PollSelector = callable(OnPoll, 'PollSelector') as typeof OnPoll &
  (<D = unknown, F = FileObject>() => OnPoll<D, F>);
export type PollSelector<D = unknown, F = FileObject> = OnPoll<D, F>;

/**
 * SelectSelector(): on select(2), which fails if a descriptor is closed.
 *
 * @class
 * @example
 * const selector = new SelectSelector();
 */
export const SelectSelector = callable(OnSelect, 'SelectSelector') as typeof OnSelect &
  (<D = unknown, F = FileObject>() => OnSelect<D, F>);
export type SelectSelector<D = unknown, F = FileObject> = OnSelect<D, F>;
