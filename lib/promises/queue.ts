// The order of calls on a socket: one queue of reads and one of writes. A call is tried at once where nobody is before it,
// and waits only where the kernel said EAGAIN: then a wake-up of lib/internal/readiness.ts has the first of its queue tried
// again, and after it those behind, until one has to wait.
//
// A wait costs a byte in shared memory; timers and listeners exist only where a time-out or a signal was given.
import { constants } from 'node:os';
import { TIMED_OUT } from '../addon.js';
import * as c from '../constants.js';
import { OSError, raise } from '../errors.js';
import type { ResolveHost } from '../internal/address.js';
import { hold, let_go, READ, unwatch, type Waiting, WRITE, want, watch } from '../internal/readiness.js';
import type { SocketBase, Watcher } from '../socket/base.js';
import {
  type Aborted,
  check_options,
  Later,
  listen,
  resolve_now,
  resolve_with,
  signal_of,
  timeout_ms_of,
  unlisten,
} from './waiting.js';

const { EAGAIN, ECANCELED, EINPROGRESS } = constants.errno;
const TIMER_MAX_MS = 2 ** 31 - 1;
// Between two attempts of what the kernel tells no readiness for.
const RETRY_FIRST_MS = 1;
const RETRY_LAST_MS = 32;

/**
 * Tries a call without waiting: its result, or a negative number (-EAGAIN: it must wait). It may run again at each
 * wake-up, so it checks its arguments anew. @throws Later to wait for something else
 */
export type Attempt<T> = (resolve: ResolveHost) => T | number;

/** What the error of a call tells beside it. */
export interface About {
  address?: unknown;
  bytes_sent?: number;
  partial?: Buffer;
}

/** A call on a socket: what it is, whether it is a connect, and what its error tells. */
interface Call<T> {
  readonly sock: SocketBase;
  readonly syscall: string;
  readonly attempt: Attempt<T>;
  readonly about: (() => About) | undefined;
  readonly connects: boolean;
}

function error_of<T>(call: Call<T>, result: number): unknown {
  const { sock, syscall, about } = call;
  try {
    raise(result, { syscall, what: () => sock._shown(), ...about?.() });
  } catch (error) {
    return error;
  }
}

/** The reason of an abort, which is told what happened before, too. */
function reason_of<T>(call: Call<T>, signal: AbortSignal): unknown {
  const { reason } = signal;
  if (call.about !== undefined && reason instanceof Error && Object.isExtensible(reason)) {
    const { bytes_sent, partial } = call.about();
    if (bytes_sent !== undefined) Object.assign(reason, { bytes_sent });
    if (partial !== undefined) Object.assign(reason, { partial });
  }
  return reason;
}

function must_wait<T>(call: Call<T>, result: number): boolean {
  return result === -EAGAIN || (call.connects && result === -EINPROGRESS);
}

/** A call that could not be made at once, as its queue sees it. */
interface Pending {
  previous: Pending | undefined;
  next: Pending | undefined;
  /** What it waits for instead of its descriptor. */
  readonly later: Later | undefined;
  readonly call: Pick<Call<unknown>, 'sock' | 'connects'>;
  try(): boolean;
  fail(error: unknown): void;
  cancel(): void;
  wait_for(later: Later): void;
  retry(): void;
}

/** The same with its promise. */
class Operation<T> implements Pending, Aborted {
  previous: Pending | undefined;
  next: Pending | undefined;
  later: Later | undefined;
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  #resolve_host: ResolveHost = resolve_now;
  #known: Map<string, string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #end_ms = 0;
  #retry_ms = 0;

  constructor(
    readonly queue: Queue,
    readonly call: Call<T>,
    readonly limit_ms: number,
    readonly signal: AbortSignal | undefined,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal !== undefined) listen(signal, this);
    if (limit_ms > 0) {
      this.#end_ms = performance.now() + limit_ms;
      this.#start_timer();
    }
  }

  /** Makes an attempt; true where the call is done. */
  try(): boolean {
    let result: T | number;
    try {
      result = this.call.attempt(this.#resolve_host);
    } catch (error) {
      if (error instanceof Later) {
        this.wait_for(error);
        return false;
      }
      this.fail(error);
      return true;
    }
    if (typeof result !== 'number' || result >= 0) {
      this.#settle();
      this.#resolve(result as T);
      return true;
    }
    if (must_wait(this.call, result) && this.limit_ms !== 0) return false;
    this.fail(error_of(this.call, result));
    return true;
  }

  fail(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  /** The socket is closed. */
  cancel(): void {
    this.fail(error_of(this.call, -ECANCELED));
  }

  /** It is tried again when this has happened. */
  wait_for(later: Later): void {
    this.later = later;
    later.promise.then(
      (value) => {
        if (this.#settled) return;
        this.later = undefined;
        if (later.key !== undefined) {
          this.#known ??= new Map();
          this.#known.set(later.key, String(value));
          this.#resolve_host = resolve_with(this.#known);
        }
        this.queue.run();
      },
      (error: unknown) => {
        if (this.#settled) return;
        this.later = undefined;
        this.#give_up(error);
      },
    );
  }

  /** The kernel tells nothing when these may go on: they are tried again, less and less often. */
  retry(): void {
    this.#retry_ms = Math.min(this.#retry_ms * 2 || RETRY_FIRST_MS, RETRY_LAST_MS);
    const due = new Promise((resolve) => setTimeout(resolve, this.#retry_ms).unref());
    this.wait_for(new Later(due));
  }

  /** Called for an abort. */
  on_abort(): void {
    if (!this.#settled && this.signal !== undefined) this.#give_up(reason_of(this.call, this.signal));
  }

  #give_up(error: unknown): void {
    this.fail(error);
    this.queue.run();
  }

  // The process is kept alive by who waits (hold), not by timers.
  #start_timer(): void {
    const left_ms = Math.min(Math.max(this.#end_ms - performance.now(), 0), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(left_ms)).unref();
  }

  #expire(): void {
    // Timers may be a little early, and there are waits longer than any.
    if (performance.now() < this.#end_ms) this.#start_timer();
    else this.#give_up(error_of(this.call, TIMED_OUT));
  }

  #settle(): void {
    this.#settled = true;
    this.queue.remove(this);
    if (this.signal !== undefined) unlisten(this.signal, this);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.later?.cancel?.();
  }
}

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

/** A peer's full queue, or a full backlog, wakes nobody but those who are blocked in the call. */
function tells_nothing(call: Pending['call'], direction: number): boolean {
  const { family, type } = call.sock;
  if (direction !== WRITE || family === c.AF_INET || family === c.AF_INET6) return false;
  return type !== c.SOCK_STREAM || (call.connects && family === c.AF_UNIX);
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

  constructor(fd: number, generation: number) {
    this.#fd = fd;
    this.#generation = generation;
  }

  /** A read, behind those that wait. See perform. */
  read<T>(
    sock: SocketBase,
    syscall: string,
    attempt: Attempt<T>,
    options?: unknown,
    about?: () => About,
  ): Promise<T> {
    return perform(this.#reads, { sock, syscall, attempt, about, connects: false }, options);
  }

  /** A write. */
  write<T>(
    sock: SocketBase,
    syscall: string,
    attempt: Attempt<T>,
    options?: unknown,
    about?: () => About,
  ): Promise<T> {
    return perform(this.#writes, { sock, syscall, attempt, about, connects: false }, options);
  }

  /** A connect: a write that reads wait for as well, because before it there is nothing to read. */
  connect(sock: SocketBase, attempt: Attempt<void>, options: unknown, about: () => About): Promise<void> {
    return perform(this.#writes, { sock, syscall: 'connect', attempt, about, connects: true }, options);
  }

  on_ready(directions: number): void {
    if ((directions & WRITE) !== 0) this.#writes.run();
    if ((directions & READ) !== 0) this.#reads.run();
  }

  want(directions: number): void {
    if (!this.#watched) {
      watch(this.#fd, this.#generation, this);
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
 * @param options `{ signal, timeout }`, unchecked
 * @returns a promise, also where the arguments are wrong: then it rejects
 */
function perform<T>(queue: Queue, call: Call<T>, options: unknown): Promise<T> {
  const { sock } = call;
  let limit_ms = sock._timeout_ms;
  let signal: AbortSignal | undefined;
  let later: Later | undefined;
  try {
    if (options !== undefined) {
      const checked = check_options(options);
      signal = signal_of(checked);
      limit_ms = timeout_ms_of(checked, limit_ms);
      if (signal?.aborted) return Promise.reject(reason_of(call, signal));
    }
    if (queue.first === undefined && !queue.poller.holds_up(queue)) {
      const result = call.attempt(resolve_now);
      if (typeof result !== 'number' || result >= 0) return Promise.resolve(result as T);
      if (!must_wait(call, result) || limit_ms === 0) return Promise.reject(error_of(call, result));
    } else {
      check_arguments(call);
      if (limit_ms === 0) return Promise.reject(error_of(call, -EAGAIN));
    }
  } catch (error) {
    if (!(error instanceof Later)) return Promise.reject(error);
    later = error;
  }
  const operation = new Operation<T>(queue, call, limit_ms, signal);
  if (call.connects) queue.poller.connect_began();
  queue.add(operation);
  if (later !== undefined) operation.wait_for(later);
  else if (queue.first === operation && !queue.poller.holds_up(queue)) {
    queue.wait(operation);
  }
  return operation.promise;
}

const ANY_HOST: ResolveHost = (_host, family) => (family === c.AF_INET6 ? '::' : '127.0.0.1');

/** A call behind others finds out at once that its arguments are wrong: an attempt on no descriptor. */
function check_arguments<T>(call: Call<T>): void {
  const { sock } = call;
  const fd = sock._fd;
  sock._fd = -1;
  try {
    call.attempt(ANY_HOST);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    if (!(error instanceof OSError) && !(error instanceof Later)) throw error;
  } finally {
    sock._fd = fd;
  }
}
