// Call: one call on a socket, made once and handed on as it is. The calls that are made most, or keep something between two attempts,
// have classes of their own (attempts.ts); the others are a FunctionCall.
//
// PendingCall: a call that cannot be done at once and waits in a queue (queue.ts), with its promise, its time-out and its signal.
//
// No class of a call extends another without need: V8 makes the object of a class without a base in place, which costs a tenth.
import { constants } from 'node:os';
import type { ResolveHost } from '../calls/address.js';
import type { SocketBase } from '../calls/socket_base.js';
import { resolve_now, resolve_with, Suspend } from '../calls/waiting/suspend.js';
import { failure } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { type AbortWaiter, listen, Timer, unlisten } from '../util/deadline.js';

const { EAGAIN, ECANCELED, EINPROGRESS } = constants.errno;
/** The first pause between two attempts of a call that the kernel reports no readiness for, in milliseconds; each is twice the last. */
const RETRY_FIRST_MS = 1;
/** The longest such pause. */
const RETRY_LAST_MS = 32;

/** True if this negative result means to wait: -EINPROGRESS is that of a connect, or of a send with MSG_FASTOPEN. */
export function must_wait(result: number): boolean {
  return result === -EAGAIN || result === -EINPROGRESS;
}

/** The fields that a call adds to its error. */
export interface Progress {
  address?: unknown | undefined;
  bytes_sent?: number | undefined;
  partial?: Buffer | undefined;
}

/** The queue that a call waits in. */
export interface WaitingLine {
  run(): void;
  remove(waiting: PendingCall): void;
  tell(resolve: (failing: Promise<never>) => void, error: unknown): void;
}

/** The fields that few waiting calls have: each field of a Call itself costs time in all calls. */
interface Rare {
  timer?: Timer | undefined;
  signal?: AbortSignal | undefined;
  /** True if the call waits for its addresses alone: its time-out is 0. */
  never_waits?: boolean | undefined;
  /** The addresses that were found for the call, by the question of resolve_now. */
  resolved?: Map<string, string> | undefined;
  retry_ms?: number | undefined;
}

/** A call on a socket. */
export interface Call<T = unknown> {
  readonly sock: SocketBase;
  /** The name of the method, for errors. */
  readonly syscall: string;
  /** True for connect: reads wait for it. */
  readonly connects?: true | undefined;

  /**
   * Tries the call without waiting. Returns its result, or a negative number: see must_wait. An attempt is made again at each
   * wake-up: memory of the caller's is checked anew. @throws Suspend to wait for something other than the descriptor
   */
  attempt(resolve: ResolveHost): T | number;

  /** Throws for wrong arguments, without the kernel: a call that waits behind others is refused at once. */
  check(): unknown;

  /** Returns what the error of the call tells. */
  readonly progress?: (() => Progress | undefined) | undefined;

  /** Returns the bytes that a wake-up may receive in place of the next attempt; 0: none, as without this method. */
  allowance?(): number;

  /** Returns the result of what a wake-up received. @param place see received_at */
  received?(count: number, place: number): T;
}

/**
 * Returns the error of a call for a negative result, without a stack: that is taken when the error is told, of the functions that await the call.
 *
 * @param timeout_ms the time-out of the call, for TIMED_OUT
 */
export function error_of(call: Call, result: number, timeout_ms?: number): Error {
  const { sock, syscall } = call;
  return failure(result, sock._failed(result, syscall, call.progress?.() ?? {}, timeout_ms));
}

/** Returns the reason of an abort, with the bytes that the call has moved before. */
export function reason_of(call: Call, { reason }: AbortSignal): unknown {
  const progress = call.progress?.();
  if (progress !== undefined && reason instanceof Error && Object.isExtensible(reason)) {
    const { bytes_sent, partial } = progress;
    if (bytes_sent !== undefined) Object.assign(reason, { bytes_sent });
    if (partial !== undefined) Object.assign(reason, { partial });
  }
  return reason;
}

type Settle = (value: unknown) => void;

let making: PendingCall | undefined;

/** The executor of the promises of all calls that wait: a closure for each of them would cost more than the promise. */
function keep_functions(resolve: Settle, reject: Settle): void {
  (making as PendingCall)._resolve = resolve;
  (making as PendingCall)._reject = reject;
}

/** A call that waits in a queue. */
export class PendingCall implements AbortWaiter {
  previous: PendingCall | undefined = undefined;
  next: PendingCall | undefined = undefined;
  /** The event that the call waits for in place of its descriptor. */
  suspended: Suspend | undefined = undefined;
  readonly #line: WaitingLine;
  #waits = true;
  #rare: Rare | undefined = undefined;
  /** What receive() got: a result, -errno, or an error if memory was short. */
  #received: unknown = undefined;
  _resolve: Settle = nothing;
  _reject: Settle = nothing;
  /** The promise of the call. */
  readonly promise: Promise<unknown>;

  constructor(
    line: WaitingLine,
    readonly call: Call,
  ) {
    this.#line = line;
    making = this;
    this.promise = new Promise(keep_functions);
    making = undefined;
  }

  /** Ends the call at a time-out, or by a signal. @param timeout_ms -1 for none */
  limit(timeout_ms: number, signal: AbortSignal | undefined): void {
    const rare: Rare = { never_waits: timeout_ms === 0 };
    this.#rare = rare;
    // A timer does not keep the process alive: a waiting call does (Poller.call_began).
    if (timeout_ms > 0)
      rare.timer = new Timer(timeout_ms, () => this.give_up(error_of(this.call, TIMED_OUT, timeout_ms)));
    if (signal === undefined) return;
    rare.signal = signal;
    listen(signal, this);
  }

  /** Makes an attempt. Returns true if the call is done. */
  try(): boolean {
    const rare = this.#rare;
    let result: unknown;
    try {
      result = this.call.attempt(rare?.resolved === undefined ? resolve_now : resolve_with(rare.resolved));
    } catch (error) {
      if (error instanceof Suspend) {
        this.suspend(error);
        return false;
      }
      this.fail(error);
      return true;
    }
    if (typeof result !== 'number' || result >= 0) {
      this.#end();
      this._resolve(result);
      return true;
    }
    if (!rare?.never_waits && must_wait(result)) return false;
    this.fail(error_of(this.call, result));
    return true;
  }

  /** Ends waiting with what a wake-up has received; settle() tells it. @param count of bytes, or -errno */
  receive(count: number, place: number): void {
    try {
      this.#received = count < 0 ? count : this.call.received?.(count, place);
    } catch (error) {
      this.#received = error;
    }
    this.#end();
  }

  /** Tells the result of receive(). */
  settle(): void {
    const received = this.#received;
    if (typeof received === 'number') this.#line.tell(this._resolve, error_of(this.call, received));
    else if (received instanceof Error) this.#line.tell(this._resolve, received);
    else this._resolve(received);
  }

  /** Ends the call with its error. */
  fail(error: unknown): void {
    this.#end();
    this.#line.tell(this._resolve, error);
  }

  /** Ends the call because its socket is closed. */
  cancel(): void {
    this.fail(error_of(this.call, -ECANCELED));
  }

  /** Waits for `suspended`, then makes the next attempt; the queue waits as long. */
  suspend(suspended: Suspend): void {
    this.suspended = suspended;
    suspended.promise.then(
      (value) => {
        if (!this.#waits) return;
        this.suspended = undefined;
        if (suspended.key !== undefined) {
          this.#rare ??= {};
          this.#rare.resolved ??= new Map();
          this.#rare.resolved.set(suspended.key, String(value));
        }
        this.#line.run();
      },
      (error: unknown) => {
        this.suspended = undefined;
        this.give_up(error);
      },
    );
  }

  /** Makes the next attempt after a pause: the kernel reports no readiness for this call. */
  retry(): void {
    this.#rare ??= {};
    const pause_ms = Math.min((this.#rare.retry_ms ?? 0) * 2 || RETRY_FIRST_MS, RETRY_LAST_MS);
    this.#rare.retry_ms = pause_ms;
    const due = new Promise<void>((resolve) => new Timer(pause_ms, resolve));
    this.suspend(new Suspend(due));
  }

  /** Ends the call with the reason of its signal, which is the program's: its stack stays. */
  on_abort(): void {
    const signal = this.#rare?.signal;
    if (signal === undefined || !this.#waits) return;
    this.#end();
    this._reject(reason_of(this.call, signal));
    this.#line.run();
  }

  /** Ends the call with its error, if it still waits. The queue goes on once that is told. */
  give_up(error: unknown): void {
    if (this.#waits) this.fail(error);
  }

  /** Ends waiting. */
  #end(): void {
    if (this.#waits) this.#line.remove(this);
    this.#waits = false;
    this.suspended?.cancel?.();
    if (this.#rare === undefined) return;
    const { signal, timer } = this.#rare;
    if (signal !== undefined) unlisten(signal, this);
    timer?.cancel();
  }
}

/** Tries a call: see Call.attempt. */
export type Attempt<T> = (resolve: ResolveHost) => T | number;

/** A call by functions: see the members of Call. */
export class FunctionCall<T> implements Call<T> {
  constructor(
    readonly sock: SocketBase,
    readonly syscall: string,
    readonly attempt: Attempt<T>,
    readonly check: () => unknown = nothing,
    readonly progress?: () => Progress,
  ) {}
}

function nothing(): undefined {}
