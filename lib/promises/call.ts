// Call: one call on a socket, made once and handed on as it is. PendingCall: a call that waits in a queue (queue.ts), with its
// promise, its attempts, its time-out and its signal.
import { constants } from 'node:os';
import type { ResolveHost } from '../calls/address.js';
import type { SocketBase } from '../calls/socket_base.js';
import { resolve_now, resolve_with, Suspend } from '../calls/waiting/suspend.js';
import { raise } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { type AbortWaiter, listen, Timer, unlisten } from '../util/deadline.js';

const { EAGAIN, ECANCELED, EINPROGRESS } = constants.errno;
/** The first pause between two attempts of a call that the kernel reports no readiness for, in milliseconds; each is twice the last. */
const RETRY_FIRST_MS = 1;
/** The longest such pause. */
const RETRY_LAST_MS = 32;

/**
 * Tries a call without waiting. Returns its result, or a negative number: see must_wait. An attempt runs again
 * at each wake-up: memory of the caller's is checked anew. @throws Suspend to wait for something other than the descriptor
 */
export type Attempt<T> = (resolve: ResolveHost) => T | number;

/** True if this negative result means to wait: -EINPROGRESS is that of a connect, or of a send with MSG_FASTOPEN. */
export function must_wait(result: number): boolean {
  return result === -EAGAIN || result === -EINPROGRESS;
}

/** The fields that a call adds to its error. */
export interface Progress {
  address?: unknown;
  bytes_sent?: number;
  partial?: Buffer;
}

/** A call on a socket. */
export class Call<T> {
  /**
   * @param syscall the name of the method, for errors
   * @param attempt tries the call
   * @param check throws for wrong arguments, without the kernel: a call that waits behind others is refused at once
   * @param progress returns what the error of the call tells
   * @param connects true for connect: reads wait for it
   */
  constructor(
    readonly sock: SocketBase,
    readonly syscall: string,
    readonly attempt: Attempt<T>,
    readonly check: (() => unknown) | undefined = undefined,
    readonly progress: (() => Progress) | undefined = undefined,
    readonly connects = false,
  ) {}

  /** Returns the error for a negative result. */
  error_of(result: number): unknown {
    const { sock, syscall } = this;
    try {
      raise(result, { syscall, args: sock._args(), ...this.progress?.() });
    } catch (error) {
      return error;
    }
  }

  /** Returns the reason of an abort, with the bytes that the call has moved before. */
  reason_of({ reason }: AbortSignal): unknown {
    if (this.progress !== undefined && reason instanceof Error && Object.isExtensible(reason)) {
      const { bytes_sent, partial } = this.progress();
      if (bytes_sent !== undefined) Object.assign(reason, { bytes_sent });
      if (partial !== undefined) Object.assign(reason, { partial });
    }
    return reason;
  }
}

/** The queue that a call waits in. */
export interface WaitingLine {
  run(): void;
  remove(pending: PendingCall): void;
}

/** A call that could not be made at once. */
export class PendingCall<T = unknown> implements AbortWaiter {
  previous: PendingCall | undefined;
  next: PendingCall | undefined;
  /** The event that the call waits for in place of its descriptor. */
  suspended: Suspend | undefined;
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: Timer | undefined;
  /** The addresses that were found for the call, by the question of resolve_now. */
  #resolved: Map<string, string> | undefined;
  #retry_ms = 0;

  constructor(
    readonly queue: WaitingLine,
    readonly call: Call<T>,
    readonly timeout_ms: number,
    signal: AbortSignal | undefined,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    if (signal !== undefined) listen(signal, this);
    // A timer does not keep the process alive: a waiting call does (Poller.count).
    if (timeout_ms > 0) this.#timer = new Timer(timeout_ms, () => this.give_up(call.error_of(TIMED_OUT)));
  }

  /** Makes an attempt. Returns true if the call is done. */
  try(): boolean {
    const { call } = this;
    let result: T | number;
    try {
      result = call.attempt(this.#resolved === undefined ? resolve_now : resolve_with(this.#resolved));
    } catch (error) {
      if (error instanceof Suspend) {
        this.suspend(error);
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
    if (this.timeout_ms !== 0 && must_wait(result)) return false;
    this.fail(call.error_of(result));
    return true;
  }

  fail(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  /** Ends the call because its socket is closed. */
  cancel(): void {
    this.fail(this.call.error_of(-ECANCELED));
  }

  /** Waits for `suspended`, then makes the next attempt; the queue waits as long. */
  suspend(suspended: Suspend): void {
    this.suspended = suspended;
    suspended.promise.then(
      (value) => {
        if (this.#settled) return;
        this.suspended = undefined;
        if (suspended.key !== undefined) {
          this.#resolved ??= new Map();
          this.#resolved.set(suspended.key, String(value));
        }
        this.queue.run();
      },
      (error: unknown) => {
        this.suspended = undefined;
        this.give_up(error);
      },
    );
  }

  /** Makes the next attempt after a pause: the kernel reports no readiness for this call. */
  retry(): void {
    this.#retry_ms = Math.min(this.#retry_ms * 2 || RETRY_FIRST_MS, RETRY_LAST_MS);
    const due = new Promise<void>((resolve) => new Timer(this.#retry_ms, resolve));
    this.suspend(new Suspend(due));
  }

  on_abort(): void {
    if (this.#signal !== undefined) this.give_up(this.call.reason_of(this.#signal));
  }

  /** Ends the call before it is done, and lets the queue go on. */
  give_up(error: unknown): void {
    if (this.#settled) return;
    this.fail(error);
    this.queue.run();
  }

  #settle(): void {
    this.#settled = true;
    this.queue.remove(this as PendingCall);
    if (this.#signal !== undefined) unlisten(this.#signal, this);
    this.#timer?.cancel();
    this.suspended?.cancel?.();
  }
}
