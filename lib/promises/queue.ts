// The order of calls on a socket: one queue of reads and one of writes. A call is tried at once where nobody is before it,
// and waits only where the kernel said EAGAIN: then a wake-up of lib/calls/waiting/readiness.ts has the first of its queue tried
// again, and after it those behind, until one has to wait.
//
// A wait costs a byte in shared memory; timers and listeners exist only where a time-out or a signal was given. What never
// has to wait lets the rest of the program have its turn now and then (MOST_AT_ONCE).
import { constants } from 'node:os';
import type { ResolveHost } from '../calls/address.js';
import type { SocketBase, Watcher } from '../calls/socket_base.js';
import {
  hold,
  let_go,
  look_anew,
  next_turn,
  READ,
  this_turn,
  unwatch,
  type Waiting,
  WRITE,
  want,
  watch,
} from '../calls/waiting/readiness.js';
import { resolve_now, Suspend } from '../calls/waiting/suspend.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../util/wait_options.js';
import {
  type About,
  type Attempt,
  error_of,
  must_wait,
  Operation,
  type Pending,
  reason_of,
} from './operation.js';

const { EAGAIN } = constants.errno;
// Calls on one socket that are done at once, in one turn of the event loop: a peer that is fast enough would otherwise keep
// a loop over it from ever letting go. libuv takes as many for its streams.
const MOST_AT_ONCE = 32;

/** The calls of one direction that wait, in order. */
class Queue {
  first: Pending | undefined;
  #last: Pending | undefined;
  #running = false;

  constructor(
    readonly poller: Poller,
    readonly direction: number,
  ) {}

  add(operation: Pending): void {
    operation.previous = this.#last;
    if (this.#last === undefined) this.first = operation;
    else this.#last.next = operation;
    this.#last = operation;
    this.poller.count(1);
  }

  remove(operation: Pending): void {
    const { previous, next } = operation;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    if (operation.call.connects) this.poller.connect_ended();
    this.poller.count(-1);
  }

  /** Tries those who wait, in order, until one has to wait on. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    while (this.first !== undefined && this.first.later === undefined && !this.poller.holds_up(this)) {
      const { first } = this;
      if (first.try()) continue;
      this.wait(first);
      break;
    }
    this.#running = false;
  }

  /** Has the first be told when the descriptor is ready. */
  wait(first: Pending): void {
    if (first.later !== undefined) return;
    try {
      this.poller.want(this.direction);
    } catch (error) {
      first.fail(error);
      return;
    }
    if (tells_nothing(first.call, this.direction)) first.retry();
  }
}

// Their sockets become writable again when what was sent has left them, or been received: an edge.
const TELLING: ReadonlySet<number | undefined> = new Set([c.AF_INET, c.AF_INET6, c.AF_PACKET, c.AF_CAN]);

/**
 * Whether nobody is told when this may go on. The kernel wakes only those who are blocked in the call for a full backlog
 * (a connect over AF_UNIX), for the full queue of whom a datagram is addressed to (AF_UNIX, unless it is the connected
 * peer; AF_NETLINK). Of other families than these and those above it is not known.
 */
function tells_nothing({ sock, syscall, connects }: Pending['call'], direction: number): boolean {
  const { family, type } = sock;
  if (direction !== WRITE || TELLING.has(family)) return false;
  if (family !== c.AF_UNIX) return type !== c.SOCK_STREAM;
  return connects || (type === c.SOCK_DGRAM && syscall !== 'send' && syscall !== 'sendall');
}

/** Both queues of a socket and its place in the readiness. It does not hold the socket, which can be collected. */
export class Poller implements Waiting, Watcher {
  readonly #reads = new Queue(this, READ);
  readonly #writes = new Queue(this, WRITE);
  readonly #fd: number;
  readonly #generation: number;
  #watched = false;
  #waiting = 0;
  #connecting = 0;
  #referenced = true;
  #held = false;
  #turn = -1;
  #done_at_once = 0;

  constructor(fd: number, generation: number) {
    this.#fd = fd;
    this.#generation = generation;
  }

  /** A read, behind those that wait. See perform. */
  read<T>(
    sock: SocketBase,
    syscall: string,
    attempt: Attempt<T>,
    options?: WaitOptions,
    about?: () => About,
  ): Promise<T> {
    return perform(this.#reads, sock, syscall, attempt, options, about, false);
  }

  /** A write. */
  write<T>(
    sock: SocketBase,
    syscall: string,
    attempt: Attempt<T>,
    options?: WaitOptions,
    about?: () => About,
  ): Promise<T> {
    return perform(this.#writes, sock, syscall, attempt, options, about, false);
  }

  /** A connect: a write that reads wait for as well, because before it there is nothing to read. */
  connect(
    sock: SocketBase,
    attempt: Attempt<void>,
    options: WaitOptions | undefined,
    about: () => About,
  ): Promise<void> {
    return perform(this.#writes, sock, 'connect', attempt, options, about, true);
  }

  on_ready(directions: number): void {
    if ((directions & WRITE) !== 0) this.#writes.run();
    if ((directions & READ) !== 0) this.#reads.run();
  }

  want(directions: number): void {
    if (!this.#watched) {
      watch(this.#fd, this.#generation, this, true);
      this.#watched = true;
    }
    want(this.#fd, directions);
  }

  /** One more waits, or one less. */
  count(change: number): void {
    this.#waiting += change;
    this.#keep();
  }

  connect_began(): void {
    this.#connecting++;
  }

  connect_ended(): void {
    this.#connecting--;
    if (this.#connecting === 0) queueMicrotask(() => this.#reads.run());
  }

  /** Whether the queue must wait for a connect. */
  holds_up(queue: Queue): boolean {
    return this.#connecting > 0 && queue === this.#reads;
  }

  /** Counts one more call that may be done at once; false where it was one too many for this turn. */
  has_turn(): boolean {
    const turn = this_turn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#done_at_once = 0;
    }
    return this.#done_at_once++ < MOST_AT_ONCE;
  }

  /** Before an attempt of who does not wait: nothing that is known answers for the kernel. */
  look_anew(): void {
    if (this.#watched) look_anew(this.#fd);
  }

  /** Whether those who wait keep the process alive. */
  reference(referenced: boolean): void {
    this.#referenced = referenced;
    this.#keep();
  }

  #keep(): void {
    const held = this.#referenced && this.#waiting > 0;
    if (held === this.#held) return;
    this.#held = held;
    if (held) hold();
    else let_go();
  }

  /** Before the descriptor is closed, or given away: rejects whoever waits. */
  release(): void {
    if (this.#watched) unwatch(this.#fd, this);
    this.#watched = false;
    for (const queue of [this.#writes, this.#reads]) {
      while (queue.first !== undefined) queue.first.cancel();
    }
  }
}

/**
 * Makes a call in its turn.
 *
 * @param options `{ signal, timeout }`
 * @returns a promise, also where the arguments are wrong: then it rejects
 */
function perform<T>(
  queue: Queue,
  sock: SocketBase,
  syscall: string,
  attempt: Attempt<T>,
  options: WaitOptions | undefined,
  about: (() => About) | undefined,
  connects: boolean,
): Promise<T> {
  const { poller } = queue;
  let limit_ms = sock._timeout_ms;
  let signal: AbortSignal | undefined;
  let later: Suspend | undefined;
  try {
    if (options !== undefined) {
      const checked = check_options(options);
      signal = signal_of(checked);
      limit_ms = timeout_ms_of(checked, limit_ms);
      if (signal?.aborted)
        return Promise.reject(reason_of({ sock, syscall, attempt, about, connects }, signal));
    }
    if (queue.first !== undefined || poller.holds_up(queue)) {
      check_arguments(sock, attempt);
      if (limit_ms === 0)
        return Promise.reject(error_of({ sock, syscall, attempt, about, connects }, -EAGAIN));
    } else if (limit_ms === 0 || poller.has_turn()) {
      if (limit_ms === 0) poller.look_anew();
      const result = attempt(resolve_now);
      if (typeof result !== 'number' || result >= 0) return Promise.resolve(result as T);
      if (limit_ms === 0 || !must_wait(connects, result))
        return Promise.reject(error_of({ sock, syscall, attempt, about, connects }, result));
    } else {
      check_arguments(sock, attempt);
      later = new Suspend(next_turn());
    }
  } catch (error) {
    if (!(error instanceof Suspend)) return Promise.reject(error);
    later = error;
  }
  const operation = new Operation<T>(queue, { sock, syscall, attempt, about, connects }, limit_ms, signal);
  if (connects) poller.connect_began();
  queue.add(operation);
  if (later !== undefined) operation.wait_for(later);
  else if (queue.first === operation && !poller.holds_up(queue)) queue.wait(operation);
  return operation.promise;
}

const ANY_HOST: ResolveHost = (_host, family) => (family === c.AF_INET6 ? '::' : '127.0.0.1');

/** A call behind others finds out at once that its arguments are wrong: an attempt on no descriptor. */
function check_arguments<T>(sock: SocketBase, attempt: Attempt<T>): void {
  const fd = sock._fd;
  sock._fd = -1;
  try {
    attempt(ANY_HOST);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    if (!(error instanceof OSError) && !(error instanceof Suspend)) throw error;
  } finally {
    sock._fd = fd;
  }
}
