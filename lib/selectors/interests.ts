// Interests: descriptors and the events to wait for, in the memory that poll(2) and select(2) take. `poll` objects,
// PollSelector, SelectSelector and the function `select` have one each.

import { PollFds } from '../calls/waiting/poll.js';
import { raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { Epoll } from './epoll.js';
import type { Multiplexer, OnReady } from './multiplexer.js';

/** The system call that waits. */
export type Syscall = 'poll' | 'select';

export class Interests implements Multiplexer {
  readonly #events = new Map<number, number>();
  // The memory for the system call; undefined after a change, until the next wait fills it.
  #poll_fds: PollFds | undefined;
  // The epoll object that watches all descriptors while a select_async() waits on the event loop.
  #watched: { readonly epoll: Epoll; readonly notify: () => void } | undefined;

  constructor(private readonly syscall: Syscall) {}

  has(fd: number): boolean {
    return this.#events.has(fd);
  }

  register(fd: number, events: number): void {
    this.#events.set(fd, events);
    this.#changed();
  }

  modify(fd: number, events: number): void {
    this.register(fd, events);
  }

  unregister(fd: number): void {
    this.#events.delete(fd);
    this.#changed();
  }

  /** Adds events to wait for on a descriptor. */
  add(fd: number, events: number): void {
    this.register(fd, (this.#events.get(fd) ?? 0) | events);
  }

  _wait(timeout_ms: number, _most: number, on_ready: OnReady): void {
    const poll_fds = this.#poll_fds ?? this.#fill();
    const count = addon[this.syscall](poll_fds.bytes, timeout_ms);
    if (count < 0) raise(count, { syscall: this.syscall });
    if (count === 0) return;
    for (let i = 0; i < poll_fds.length; i++) {
      const events = poll_fds.revents(i);
      if (events !== 0) on_ready(poll_fds.fd(i), events);
    }
  }

  #fill(): PollFds {
    const poll_fds = new PollFds(this.#events.size);
    let index = 0;
    for (const [fd, events] of this.#events) poll_fds.set(index++, fd, events);
    this.#poll_fds = poll_fds;
    return poll_fds;
  }

  // The caller has just found nothing ready. So none of the descriptors is a file, which epoll would refuse: a file is always
  // ready. And none is closed: the system call reports a closed descriptor.
  _watch(notify: () => void): void {
    const epoll = new Epoll();
    this.#watched = { epoll, notify };
    for (const [fd, events] of this.#events) epoll.register(fd, events);
    epoll._watch(notify);
  }

  _unwatch(): void {
    this.#watched?.epoll.close();
    this.#watched = undefined;
  }

  #changed(): void {
    this.#poll_fds = undefined;
    if (this.#watched === undefined) return;
    const { notify } = this.#watched;
    this._unwatch();
    setImmediate(notify);
  }

  close(): void {
    this.#events.clear();
    this.#poll_fds = undefined;
    this._unwatch();
  }
}
