// A call that waits in a queue (queue.ts): its attempts, its promise, its time-out and signal, and the error it ends with.
import { constants } from 'node:os';
import type { ResolveHost } from '../calls/address.js';
import type { SocketBase } from '../calls/socket_base.js';
import { resolve_now, resolve_with, Suspend } from '../calls/waiting/suspend.js';
import { raise } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { type AbortWaiter, listen, Timer, unlisten } from '../util/deadline.js';

const { EAGAIN, ECANCELED, EINPROGRESS } = constants.errno;
// Between two attempts of what the kernel tells no readiness for.
const RETRY_FIRST_MS = 1;
const RETRY_LAST_MS = 32;

/**
 * Tries a call without waiting: its result, or a negative number (-EAGAIN: it must wait). It may run again at each
 * wake-up, so it checks its arguments anew. @throws Suspend to wait for something else
 */
export type Attempt<T> = (resolve: ResolveHost) => T | number;

/** What the error of a call tells beside it. */
export interface About {
  address?: unknown;
  bytes_sent?: number;
  partial?: Buffer;
}

/** A call on a socket: what it is, whether it is a connect, and what its error tells. */
export interface Call<T> {
  readonly sock: SocketBase;
  readonly syscall: string;
  readonly attempt: Attempt<T>;
  readonly about: (() => About) | undefined;
  readonly connects: boolean;
}

export function error_of<T>(call: Call<T>, result: number): unknown {
  const { sock, syscall, about } = call;
  try {
    raise(result, { syscall, args: sock._args(), ...about?.() });
  } catch (error) {
    return error;
  }
}

/** The reason of an abort, which is told what happened before, too. */
export function reason_of<T>(call: Call<T>, signal: AbortSignal): unknown {
  const { reason } = signal;
  if (call.about !== undefined && reason instanceof Error && Object.isExtensible(reason)) {
    const { bytes_sent, partial } = call.about();
    if (bytes_sent !== undefined) Object.assign(reason, { bytes_sent });
    if (partial !== undefined) Object.assign(reason, { partial });
  }
  return reason;
}

export function must_wait(connects: boolean, result: number): boolean {
  return result === -EAGAIN || (connects && result === -EINPROGRESS);
}

/** A call that could not be made at once, as its queue sees it. */
export interface Pending {
  previous: Pending | undefined;
  next: Pending | undefined;
  /** What it waits for instead of its descriptor. */
  readonly later: Suspend | undefined;
  readonly call: Pick<Call<unknown>, 'sock' | 'syscall' | 'connects'>;
  try(): boolean;
  fail(error: unknown): void;
  cancel(): void;
  wait_for(later: Suspend): void;
  retry(): void;
}

/** The queue that it waits in. */
interface Line {
  run(): void;
  remove(operation: Pending): void;
}

/** The same with its promise. */
export class Operation<T> implements Pending, AbortWaiter {
  previous: Pending | undefined;
  next: Pending | undefined;
  later: Suspend | undefined;
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: Timer | undefined;
  #known: Map<string, string> | undefined;
  #retry_ms = 0;

  constructor(
    readonly line: Line,
    readonly call: Call<T>,
    readonly limit_ms: number,
    signal: AbortSignal | undefined,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    if (signal !== undefined) listen(signal, this);
    // The process is kept alive by who waits (hold), not by timers.
    if (limit_ms > 0) this.#timer = new Timer(limit_ms, () => this.give_up(error_of(call, TIMED_OUT)));
  }

  /** Makes an attempt; true where the call is done. */
  try(): boolean {
    const { call } = this;
    let result: T | number;
    try {
      result = call.attempt(this.#known === undefined ? resolve_now : resolve_with(this.#known));
    } catch (error) {
      if (error instanceof Suspend) {
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
    if (must_wait(call.connects, result) && this.limit_ms !== 0) return false;
    this.fail(error_of(call, result));
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
  wait_for(later: Suspend): void {
    this.later = later;
    later.promise.then(
      (value) => {
        if (this.#settled) return;
        this.later = undefined;
        if (later.key !== undefined) {
          this.#known ??= new Map();
          this.#known.set(later.key, String(value));
        }
        this.line.run();
      },
      (error: unknown) => {
        this.later = undefined;
        this.give_up(error);
      },
    );
  }

  /** The kernel tells nothing when these may go on: they are tried again, less and less often. */
  retry(): void {
    this.#retry_ms = Math.min(this.#retry_ms * 2 || RETRY_FIRST_MS, RETRY_LAST_MS);
    const due = new Promise((resolve) => setTimeout(resolve, this.#retry_ms).unref());
    this.wait_for(new Suspend(due));
  }

  on_abort(): void {
    if (this.#signal !== undefined) this.give_up(reason_of(this.call, this.#signal));
  }

  /** Ends it before it is done. */
  give_up(error: unknown): void {
    if (this.#settled) return;
    this.fail(error);
    this.line.run();
  }

  #settle(): void {
    this.#settled = true;
    this.line.remove(this);
    if (this.#signal !== undefined) unlisten(this.#signal, this);
    this.#timer?.cancel();
    this.later?.cancel?.();
  }
}
