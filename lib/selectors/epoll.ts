// class epoll: Python's select.epoll, on epoll(7); and its readiness on the event loop, for select_async().

import { inspect } from 'node:util';
import { READ, unwatch, type Waiting, want, watch } from '../calls/waiting/readiness.js';
import * as c from '../constants.js';
import { raise } from '../errors/raise.js';
import { addon, cells, EPOLL_EVENT, EPOLL_EVENT_SIZE, GENERATION } from '../native/addon.js';
import { callable } from '../util/callable.js';
import { UNCLONABLE } from '../util/unclonable.js';
import { integer, integer_or } from '../util/validate.js';
import { epoll_mask, type FileObject, fd_of, timeout_ms } from './arguments.js';
import type { Multiplexer, OnReady } from './multiplexer.js';

const DEFAULT_MASK = c.EPOLLIN | c.EPOLLPRI | c.EPOLLOUT;
// The number of events a wait returns by default, as in Python: FD_SETSIZE - 1.
const DEFAULT_MAXEVENTS = 1023;
// The maximum number of events that one wait returns; the next wait returns the rest.
const MAX_EVENTS = 65_536;

const EVENT_WORDS = EPOLL_EVENT_SIZE / Int32Array.BYTES_PER_ELEMENT;

/** Returns memory for the events of one wait, an EPOLL_EVENT each. */
function event_memory(capacity: number) {
  const words = new Int32Array(EVENT_WORDS * capacity);
  return { capacity, words, bytes: new Uint8Array(words.buffer) };
}

/**
 * Calls `notify` once, on the event loop, when the descriptor is readable. It holds no reference to the Epoll, so an unused Epoll
 * can be collected.
 */
class OneShotWaiter implements Waiting {
  notify: (() => void) | undefined;

  constructor(
    readonly fd: number,
    generation: number,
  ) {
    watch(fd, generation, this);
  }

  on_ready(): void {
    const { notify } = this;
    this.notify = undefined;
    notify?.();
  }
}

/** The resources of an Epoll, freed even if it is collected without close(): Python does not warn of that. */
interface Resources {
  readonly fd: number;
  readonly generation: number;
  waiter: OneShotWaiter | undefined;
}

const collected = new FinalizationRegistry<Resources>(free);

function free({ fd, generation, waiter }: Resources): void {
  if (waiter !== undefined) unwatch(fd, waiter);
  addon.close(fd, generation);
}

export class Epoll implements Multiplexer {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  readonly #resources: Resources;
  #closed = false;
  #events = event_memory(16);

  /**
   * epoll(sizehint = -1, flags = 0). Makes an epoll instance, close-on-exec. See epoll_create1(2).
   *
   * @param sizehint checked as in Python, and without effect
   * @param flags 0 or EPOLL_CLOEXEC, without effect
   * @throws OSError; TypeError, RangeError
   */
  constructor(sizehint?: number | null, flags?: number | null);
  /** @internal */
  constructor(sizehint: number | null | undefined, flags: number | null | undefined, adopted: number);
  constructor(sizehint?: number | null, flags?: number | null, adopted?: number) {
    if (integer_or(-1, sizehint, 'sizehint') !== -1) integer(sizehint, 'sizehint', 1);
    const wanted = integer_or(0, flags, 'flags');
    if (wanted !== 0 && wanted !== c.EPOLL_CLOEXEC) {
      throw new RangeError(`flags must be 0 or EPOLL_CLOEXEC, not ${wanted}`);
    }
    const fd = adopted === undefined ? addon.epoll_create1() : addon.adopt(adopted);
    if (fd < 0) {
      raise(
        fd,
        adopted === undefined ? { syscall: 'epoll_create1' } : { syscall: 'fromfd', args: { fd: adopted } },
      );
    }
    this.#resources = { fd, generation: cells[GENERATION] as number, waiter: undefined };
    collected.register(this, this.#resources, this);
  }

  /**
   * fromfd(fd) -> an epoll object that owns this epoll descriptor. See Python's select.epoll.fromfd.
   *
   * @param fd the number of an epoll descriptor
   * @returns the object, which closes the descriptor
   * @throws OSError EBADF
   * @example
   * const instance = epoll.fromfd(dup(epoll().fileno()));
   * instance.close();
   */
  static fromfd(fd: number): Epoll {
    return new Epoll(null, null, integer(fd, 'fd', 0));
  }

  /** True if close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(epoll()); // for example <epoll fd=20>
   */
  [inspect.custom](): string {
    return `<epoll ${this.#closed ? '[closed]' : `fd=${this.fileno()}`}>`;
  }

  /**
   * fileno() -> the descriptor of the instance. See Python's select.epoll.fileno.
   *
   * @returns the number of the descriptor
   * @throws RangeError after close()
   * @example
   * console.log(epoll().fileno() >= 0); // true
   */
  fileno(): number {
    return this.#open().fd;
  }

  #open(): Resources {
    if (this.#closed) throw new RangeError('I/O operation on closed epoll object');
    return this.#resources;
  }

  /**
   * close(). Frees the descriptor; a call that waits on it ends with EBADF. Closing twice is allowed. See Python's select.epoll.close.
   *
   * @throws OSError of close(2)
   * @example
   * const instance = epoll();
   * instance.close();
   * console.log(instance.closed); // true
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    collected.unregister(this);
    free(this.#resources);
  }

  /**
   * The same as close(), for the statement `using` of ECMAScript.
   *
   * @throws OSError as close()
   * @example
   * const instance = epoll();
   * instance[Symbol.dispose]();
   * console.log(instance.closed); // true
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * register(fd, eventmask = EPOLLIN | EPOLLPRI | EPOLLOUT). Watches a descriptor. See epoll_ctl(2).
   *
   * @param fd a number, or an object with `fileno()`
   * @param eventmask EPOLLIN, EPOLLOUT, EPOLLET, …
   * @throws OSError EEXIST if it is watched already, EPERM for a file, which is always ready, EBADF; TypeError, RangeError
   * @example
   * const instance = epoll();
   * instance.register(sock, EPOLLIN);
   * instance.close();
   */
  register(fd: FileObject, eventmask?: number | null): void {
    this.#control(c.EPOLL_CTL_ADD, fd_of(fd, 'fd'), epoll_mask(eventmask ?? DEFAULT_MASK));
  }

  /**
   * modify(fd, eventmask). Changes the events a descriptor is watched for. See epoll_ctl(2), EPOLL_CTL_MOD.
   *
   * @param fd a number, or an object with `fileno()`
   * @param eventmask EPOLLIN, EPOLLOUT, EPOLLET, …
   * @throws OSError ENOENT if it is not watched, EBADF
   * @example
   * const instance = epoll();
   * instance.register(sock, EPOLLIN);
   * instance.modify(sock, EPOLLIN | EPOLLOUT);
   * console.log(instance.poll(1)[0]?.[1] === EPOLLOUT); // true
   */
  modify(fd: FileObject, eventmask: number): void {
    this.#control(c.EPOLL_CTL_MOD, fd_of(fd, 'fd'), epoll_mask(eventmask));
  }

  /**
   * unregister(fd). Ends watching a descriptor. See epoll_ctl(2), EPOLL_CTL_DEL.
   *
   * @param fd a number, or an object with `fileno()`
   * @throws OSError ENOENT if it is not watched, EBADF
   * @example
   * const instance = epoll();
   * instance.register(sock, EPOLLOUT);
   * instance.unregister(sock);
   * console.log(instance.poll(0)); // []
   */
  unregister(fd: FileObject): void {
    this.#control(c.EPOLL_CTL_DEL, fd_of(fd, 'fd'), 0);
  }

  #control(operation: number, fd: number, events: number): void {
    const { fd: epfd, generation } = this.#open();
    const result = addon.epoll_ctl(epfd, generation, operation, fd, events);
    if (result < 0) raise(result, { syscall: 'epoll_ctl', args: { fd } });
  }

  /**
   * poll(timeout = null, maxevents = -1) -> [fd, events] of each ready descriptor. See epoll_wait(2).
   *
   * @param timeout in seconds, rounded up to milliseconds; null or negative: no limit
   * @param maxevents the maximum number of descriptors to return; -1: 1,023
   * @returns the descriptor and the events of each, combined; an empty array once the time has passed
   * @throws OSError EBADF if close() is called meanwhile; InterruptedError by a signal after siginterrupt(true)
   * @example
   * const instance = epoll();
   * instance.register(sock, EPOLLIN);
   * peer.sendall('hello');
   * console.log(instance.poll(5)[0]?.[1] === EPOLLIN); // true
   */
  poll(timeout?: number | null, maxevents?: number | null): [fd: number, events: number][] {
    this.#open();
    const limit_ms = timeout_ms(timeout, 1000);
    const requested = integer_or(-1, maxevents, 'maxevents');
    const most = requested === -1 ? DEFAULT_MAXEVENTS : integer(requested, 'maxevents', 1);
    const ready: [number, number][] = [];
    this._wait(limit_ms, most, (fd, events) => ready.push([fd, events]));
    return ready;
  }

  /** @internal */
  _wait(limit_ms: number, most: number, on_ready: OnReady): void {
    const { fd: epfd, generation } = this.#open();
    const limit = Math.min(most, MAX_EVENTS);
    while (this.#events.capacity < limit) this.#events = event_memory(2 * this.#events.capacity);
    // A signal listener that runs inside the wait may call _wait(), which may replace #events by a larger one.
    const { words, bytes } = this.#events;
    const count = addon.epoll_wait(epfd, generation, bytes, limit, limit_ms);
    if (count < 0) raise(count, { syscall: 'epoll_wait', args: { fd: epfd } });
    for (let at = 0; at < EVENT_WORDS * count; at += EVENT_WORDS) {
      on_ready(words[at + EPOLL_EVENT.fd] as number, (words[at + EPOLL_EVENT.events] as number) >>> 0);
    }
  }

  // The epoll instance is readable as long as one of its descriptors is ready, and each of their events wakes the waiter.
  /** @internal */
  _watch(notify: () => void): void {
    const resources = this.#open();
    resources.waiter ??= new OneShotWaiter(resources.fd, resources.generation);
    resources.waiter.notify = notify;
    want(resources.fd, READ);
  }

  /** @internal */
  _unwatch(): void {
    if (this.#resources.waiter !== undefined) this.#resources.waiter.notify = undefined;
  }
}

/**
 * epoll(sizehint = -1, flags = 0), with or without `new`.
 *
 * @class
 * @example
 * const instance = epoll();
 * instance.close();
 */
export const epoll = callable(Epoll, 'epoll') as typeof Epoll &
  ((sizehint?: number | null, flags?: number | null) => Epoll);
export type epoll = Epoll;
