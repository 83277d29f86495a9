// The order of calls on a socket: one queue of reads and one of writes. A call is tried at once if no other is before it, and
// waits only if the kernel said EAGAIN: then a wake-up of lib/calls/waiting/readiness.ts tries the first of its queue again,
// and those behind it, until one has to wait. For a recv that is the first, the wake-up itself receives.
//
// perform    makes a call in its turn
// Queue      the calls of one direction that wait
// Poller     both queues of a socket, and its place in the readiness
//
// A wait costs a number in shared memory; timers and listeners exist only for a time-out or a signal. Calls that never have to
// wait give way to the rest of the program now and then (CALLS_PER_TURN).
import { constants } from 'node:os';
import type { Watcher } from '../calls/descriptor/leftover.js';
import {
  forget_drained,
  hold,
  let_go,
  no_allowance,
  READ,
  this_turn,
  unwatch,
  type Waiting,
  WRITE,
  want,
  want_data,
  watch,
} from '../calls/waiting/readiness.js';
import { resolve_now, Suspend, yield_turn } from '../calls/waiting/suspend.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { begin_at, reject_later } from '../errors/stack.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../util/wait_options.js';
import { type Call, error_of, must_wait, PendingCall, reason_of, type WaitingLine } from './call.js';

const { EAGAIN } = constants.errno;
/**
 * The calls on one socket that are done at once in one turn of the event loop: with a fast peer a loop over them would never let
 * go otherwise. libuv takes as many for its streams.
 */
const CALLS_PER_TURN = 32;

/** The calls of one direction that wait, in order. */
export class Queue implements WaitingLine {
  first: PendingCall | undefined;
  #last: PendingCall | undefined;
  #running = false;
  /** The number of errors that the functions which await their calls do not know yet. */
  #telling = 0;

  constructor(
    readonly poller: Poller,
    readonly direction: number,
  ) {}

  /** True if a call must wait for earlier ones: of this queue, or for a connect before a read. */
  get is_busy(): boolean {
    return this.first !== undefined || this.poller.holds_up(this);
  }

  add(waiting: PendingCall): void {
    waiting.previous = this.#last;
    if (this.#last === undefined) this.first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
    this.poller.call_began();
  }

  remove({ call, previous, next }: PendingCall): void {
    if (previous === undefined) {
      this.first = next;
      if (call.allowance !== undefined) this.poller.no_allowance();
    } else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    if (call.connects) this.poller.connect_ended();
    this.poller.call_ended();
  }

  /** Tells the error of a call. The calls behind it go on when that is done, as all calls are settled in their order. */
  tell(resolve: (failing: Promise<never>) => void, error: unknown): void {
    this.#telling++;
    reject_later(resolve, error, () => {
      this.#telling--;
      this.run();
    });
  }

  /** Tries the calls in order, until one has to wait or has failed. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    while (this.#telling === 0 && this.first !== undefined && !this.poller.holds_up(this)) {
      const { first } = this;
      if (first.suspended !== undefined) break;
      if (first.try()) continue;
      this.wait(first);
      break;
    }
    this.#running = false;
  }

  /** Lets the first call wait until the descriptor is ready. */
  wait(first: PendingCall): void {
    if (first.suspended !== undefined) return;
    try {
      this.poller.want(this.direction, first.call);
    } catch (error) {
      first.fail(error);
      return;
    }
    if (this.direction === WRITE && lacks_readiness(first.call)) first.retry();
  }
}

/** Families whose sockets become writable when sent data has left them, or was received: the kernel reports an edge. */
const REPORTING: ReadonlySet<number | undefined> = new Set([c.AF_INET, c.AF_INET6, c.AF_PACKET, c.AF_CAN]);

/**
 * True if the kernel never reports that this write may go on. It wakes only threads that are blocked in the call for a full
 * backlog (connect over AF_UNIX), and for the full queue of a datagram's addressee (AF_UNIX, unless it is the connected peer;
 * AF_NETLINK). For families other than these and REPORTING it is not known.
 */
function lacks_readiness({ sock, syscall, connects }: Call): boolean {
  const { family, type } = sock;
  if (REPORTING.has(family)) return false;
  if (family !== c.AF_UNIX) return type !== c.SOCK_STREAM;
  return connects === true || (type === c.SOCK_DGRAM && syscall !== 'send' && syscall !== 'sendall');
}

/** Both queues of a socket and its place in the readiness. It does not hold the socket, which can be collected. */
export class Poller implements Waiting, Watcher {
  readonly reads = new Queue(this, READ);
  readonly writes = new Queue(this, WRITE);
  readonly #fd: number;
  readonly #generation: number;
  #watched = false;
  /** The read that a wake-up has received for, until its promise is settled. */
  #received: PendingCall | undefined = undefined;
  #waiting = 0;
  #connecting = 0;
  #referenced = true;
  #turn = -1;
  #done_at_once = 0;
  /** Called when the descriptor is released: calls in queues of other sockets that need it. */
  #dependents: Set<() => void> | undefined = undefined;

  constructor(fd: number, generation: number) {
    this.#fd = fd;
    this.#generation = generation;
  }

  on_ready(directions: number): void {
    if ((directions & WRITE) !== 0) this.writes.run();
    if ((directions & READ) === 0) return;
    this.#settle();
    this.reads.run();
  }

  on_received(count: number, place: number): void {
    this.#received = this.reads.first;
    this.#received?.receive(count, place);
  }

  #settle(): void {
    const received = this.#received;
    this.#received = undefined;
    received?.settle();
  }

  /** Lets this call, the first of its queue, wait. */
  want(direction: number, call: Call): void {
    if (!this.#watched) {
      watch(this.#fd, this.#generation, this, true);
      this.#watched = true;
    }
    if (direction === WRITE) want(this.#fd, direction);
    else want_data(this.#fd, this, call.allowance?.() ?? 0);
  }

  /** The first read ends, or another one is now the first: nothing may be received for it. */
  no_allowance(): void {
    if (this.#watched) no_allowance(this.#fd);
  }

  call_began(): void {
    if (this.#waiting++ === 0 && this.#referenced) hold();
  }

  call_ended(): void {
    if (--this.#waiting === 0 && this.#referenced) let_go();
  }

  connect_began(): void {
    this.#connecting++;
  }

  connect_ended(): void {
    this.#connecting--;
    if (this.#connecting === 0) queueMicrotask(() => this.reads.run());
  }

  /** True if the queue must wait for a connect: before it there is nothing to read. */
  holds_up(queue: Queue): boolean {
    return this.#connecting > 0 && queue === this.reads;
  }

  /** Counts a call that may be done at once; false if this turn has had its share. */
  has_turn(): boolean {
    const turn = this_turn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#done_at_once = 0;
    }
    return this.#done_at_once++ < CALLS_PER_TURN;
  }

  /** Makes the next receive ask the kernel: a call that does not wait must not rely on what is known from before. */
  forget_drained(): void {
    if (this.#watched) forget_drained(this.#fd);
  }

  /** Sets whether waiting calls keep the process alive. */
  reference(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (this.#waiting === 0) return;
    if (referenced) hold();
    else let_go();
  }

  /** Calls `end` when the descriptor is about to be closed, or given away. @returns a function that takes this back */
  on_release(end: () => void): () => void {
    this.#dependents ??= new Set();
    this.#dependents.add(end);
    return () => this.#dependents?.delete(end);
  }

  /** Rejects the waiting calls: the descriptor is about to be closed, or given away. */
  release(): void {
    if (this.#watched) unwatch(this.#fd, this);
    this.#watched = false;
    this.#settle();
    for (const queue of [this.writes, this.reads]) {
      while (queue.first !== undefined) queue.first.cancel();
    }
    for (const end of this.#dependents ?? []) end();
  }
}

/**
 * Makes a call in its turn.
 *
 * @param options `{ signal, timeout }`
 * @returns a promise, also for wrong arguments: then it rejects
 */
export function perform<T>(
  queue: Queue,
  call: Call<T>,
  options: WaitOptions | undefined = undefined,
): Promise<T> {
  const { poller } = queue;
  let timeout_ms = call.sock._timeout_ms;
  let signal: AbortSignal | undefined;
  let suspended: Suspend | undefined;
  try {
    if (options !== undefined) {
      const checked = check_options(options);
      signal = signal_of(checked);
      timeout_ms = timeout_ms_of(checked, timeout_ms);
      if (signal?.aborted) return Promise.reject(reason_of(call, signal));
    }
    if (queue.is_busy) {
      check_arguments(call);
      if (timeout_ms === 0) return refused(error_of(call, -EAGAIN));
    } else if (timeout_ms === 0 || poller.has_turn()) {
      if (timeout_ms === 0) poller.forget_drained();
      const result = call.attempt(resolve_now);
      if (typeof result !== 'number' || result >= 0) return Promise.resolve(result as T);
      if (timeout_ms === 0 || !must_wait(result)) return refused(error_of(call, result));
    } else {
      check_arguments(call);
      suspended = yield_turn();
    }
  } catch (error) {
    if (!(error instanceof Suspend)) return refused(error);
    suspended = error;
  }
  return wait_in(queue, call, timeout_ms, signal, suspended);
}

/**
 * Makes a call without options in its turn.
 *
 * @returns the result itself if the call is done at once, which saves a promise; else the promise of it
 */
export function perform_now<T extends object>(queue: Queue, call: Call<T>): T | Promise<T> {
  const timeout_ms = call.sock._timeout_ms;
  if (queue.is_busy || timeout_ms === 0 || !queue.poller.has_turn()) return perform(queue, call);
  let result: T | number;
  try {
    result = call.attempt(resolve_now);
  } catch (error) {
    return refused(error);
  }
  if (typeof result !== 'number') return result;
  if (!must_wait(result)) return refused(error_of(call, result));
  return wait_in(queue, call, timeout_ms, undefined, undefined);
}

/** Returns the promise of a call that failed at once: the stack of the error begins at the caller of perform(). */
function refused(error: unknown): Promise<never> {
  return Promise.reject(begin_at(error, perform));
}

/** Lets a call wait in its queue. */
function wait_in<T>(
  queue: Queue,
  call: Call<T>,
  timeout_ms: number,
  signal: AbortSignal | undefined,
  suspended: Suspend | undefined,
): Promise<T> {
  const waiting = new PendingCall(queue, call);
  if (timeout_ms >= 0 || signal !== undefined) waiting.limit(timeout_ms, signal);
  if (call.connects) queue.poller.connect_began();
  queue.add(waiting);
  if (suspended !== undefined) waiting.suspend(suspended);
  else if (queue.first === waiting && !queue.poller.holds_up(queue)) queue.wait(waiting);
  return waiting.promise as Promise<T>;
}

/** Refuses wrong arguments of a call that is not tried at once. An error of the system is left to the attempt, in its turn. */
function check_arguments(call: Call<unknown>): void {
  try {
    call.check();
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  }
}
