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

class Poll {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  readonly #interests = new Interests('poll');

  /**
   * register(fd, eventmask = POLLIN | POLLPRI | POLLOUT). Adds a descriptor to poll; a registered one gets the new mask.
   *
   * @param fd a number, or an object with `fileno()`
   * @throws TypeError, RangeError
   */
  register(fd: FileObject, eventmask?: number | null): void {
    this.#interests.register(fd_of(fd, 'fd'), poll_mask(eventmask ?? DEFAULT_MASK));
  }

  /** modify(fd, eventmask). Changes the mask of a descriptor. @throws OSError ENOENT; TypeError, RangeError */
  modify(fd: FileObject, eventmask: number): void {
    const number = fd_of(fd, 'fd');
    const mask = poll_mask(eventmask);
    if (!this.#interests.has(number)) {
      raise(-constants.errno.ENOENT, { syscall: 'poll.modify', args: { fd: number } });
    }
    this.#interests.modify(number, mask);
  }

  /** unregister(fd). Removes a descriptor. @throws KeyError if it is not registered; TypeError, RangeError */
  unregister(fd: FileObject): void {
    const number = fd_of(fd, 'fd');
    if (!this.#interests.has(number)) throw new KeyError(`fd ${number} is not registered`);
    this.#interests.unregister(number);
  }

  /**
   * poll(timeout = null) -> [fd, events] of each ready descriptor, POLLNVAL for a closed one. See poll(2).
   *
   * @param timeout in milliseconds; null or negative: no limit
   * @throws OSError; TypeError, RangeError
   */
  poll(timeout?: number | null): [fd: number, events: number][] {
    const ready: [number, number][] = [];
    this.#interests._wait(timeout_ms(timeout, 1), 0, (fd, events) => ready.push([fd, events]));
    return ready;
  }

  [inspect.custom](): string {
    return '<poll>';
  }
}

/**
 * poll() -> an object that polls descriptors; with or without `new`.
 *
 * @class
 */
export const poll = callable(Poll, 'poll') as typeof Poll & (() => Poll);
export type poll = Poll;
