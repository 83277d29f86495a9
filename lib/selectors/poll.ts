// class poll: the object of Python's select.poll(), on poll(2).
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { POLLIN, POLLOUT, POLLPRI } from '../constants.js';
import { KeyError } from '../errors/builtins.js';
import { raise } from '../errors/raise.js';
import { callable } from '../util/callable.js';
import { UNCLONABLE } from '../util/unclonable.js';
import { type FileObject, fd_of, poll_mask, timeout_ms } from './arguments.js';
import { Interests } from './interests.js';

const DEFAULT_MASK = POLLIN | POLLPRI | POLLOUT;

/** The object that poll() gives. See poll(2), and Python's select.poll. */
class Poll {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  readonly #interests = new Interests('poll');

  /**
   * register(fd, eventmask = POLLIN | POLLPRI | POLLOUT). Adds a descriptor to poll; a registered one gets the new mask. See Python's
   * select.poll.register.
   *
   * @param fd a number, or an object with `fileno()`
   * @param eventmask POLLIN, POLLPRI, POLLOUT, …
   * @throws TypeError, RangeError
   * @example
   * const poller = poll();
   * poller.register(sock, POLLIN);
   */
  register(fd: FileObject, eventmask?: number | null): void {
    this.#interests.register(fd_of(fd, 'fd'), poll_mask(eventmask ?? DEFAULT_MASK));
  }

  /**
   * modify(fd, eventmask). Changes the mask of a descriptor. See Python's select.poll.modify.
   *
   * @param fd a number, or an object with `fileno()`
   * @param eventmask POLLIN, POLLPRI, POLLOUT, …
   * @throws OSError ENOENT if it is not registered
   * @example
   * const poller = poll();
   * poller.register(sock, POLLIN);
   * poller.modify(sock, POLLOUT);
   * console.log(poller.poll(1000)[0]?.[1] === POLLOUT); // true
   */
  modify(fd: FileObject, eventmask: number): void {
    const number = fd_of(fd, 'fd');
    const mask = poll_mask(eventmask);
    if (!this.#interests.has(number)) {
      raise(-constants.errno.ENOENT, { syscall: 'poll.modify', args: { fd: number } });
    }
    this.#interests.modify(number, mask);
  }

  /**
   * unregister(fd). Removes a descriptor. See Python's select.poll.unregister.
   *
   * @param fd a number, or an object with `fileno()`
   * @throws KeyError if it is not registered
   * @example
   * const poller = poll();
   * poller.register(sock, POLLOUT);
   * poller.unregister(sock);
   * console.log(poller.poll(0)); // []
   */
  unregister(fd: FileObject): void {
    const number = fd_of(fd, 'fd');
    if (!this.#interests.has(number)) throw new KeyError(`fd ${number} is not registered`);
    this.#interests.unregister(number);
  }

  /**
   * poll(timeout = null) -> [fd, events] of each ready descriptor, POLLNVAL for a closed one. See poll(2).
   *
   * @param timeout in milliseconds; null or negative: no limit
   * @returns the descriptor and the events of each, combined; an empty array once the time has passed
   * @throws OSError; InterruptedError by a signal after siginterrupt(true)
   * @example
   * const poller = poll();
   * poller.register(sock, POLLIN);
   * peer.sendall('hello');
   * console.log(poller.poll(5000)[0]?.[1] === POLLIN); // true
   */
  poll(timeout?: number | null): [fd: number, events: number][] {
    const ready: [number, number][] = [];
    this.#interests._wait(timeout_ms(timeout, 1), 0, (fd, events) => ready.push([fd, events]));
    return ready;
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(poll()); // for example <poll size=0>
   */
  [inspect.custom](): string {
    return '<poll>';
  }
}

/**
 * poll() -> an object that polls descriptors; with or without `new`.
 *
 * @class
 * @example
 * const poller = poll();
 */
export const poll = callable(Poll, 'poll') as typeof Poll & (() => Poll);
export type poll = Poll;
