// What a call that waits can be given: `{ signal, timeout }` behind its arguments. And what it may wait for instead of its
// descriptor: `Later`.

import { options_of, timeout as seconds, shown, to_timeout_ms } from '../../util/validate.js';
import type { ResolveHost } from '../address.js';
import * as lookup from '../lookup.js';
import { finish_lookup } from './async_lookup.js';
import { next_turn } from './readiness.js';

/** The last argument of every call that returns a promise. */
export interface WaitOptions {
  /** Ends the call when it aborts: the promise rejects with its reason. */
  signal?: AbortSignal | null | undefined;
  /** Seconds, instead of the socket's own: null waits for ever, 0 never. */
  timeout?: number | null | undefined;
}

/** Their names. */
export const WAIT_OPTIONS = ['signal', 'timeout'] as const;

/** The options after one optional argument; the argument may be left out. */
export type Rest1<A> = [options?: WaitOptions] | [a?: A | null, options?: WaitOptions];
/** After two. */
export type Rest2<A, B> = Rest1<A> | [a?: A | null, b?: B | null, options?: WaitOptions];
/** After three. */
export type Rest3<A, B, C> = Rest2<A, B> | [a?: A | null, b?: B | null, c?: C | null, options?: WaitOptions];

/** Whether it is an object that no call takes for anything else. */
function is_options(value: unknown): value is WaitOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return (
    !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer) && !(value instanceof SharedArrayBuffer)
  );
}

/**
 * Takes the options from the end of the arguments that may be left out.
 *
 * @param rest these arguments, at most `most` of them without the options
 * @returns the options, whose names are still to be checked
 * @throws TypeError for more of them
 */
export function take_options(rest: unknown[], most: number): WaitOptions | undefined {
  let last = rest.length - 1;
  while (last >= 0 && rest[last] === undefined) last--;
  if (last < 0) return undefined;
  const options = rest[last];
  if (is_options(options)) {
    rest.length = last;
    if (last <= most) return options;
  }
  if (last >= most)
    throw new TypeError(`options must be an object with signal or timeout, not ${shown(options)}`);
  return undefined;
}

/** The options, checked. @throws TypeError */
export function check_options(options: WaitOptions): WaitOptions {
  return options_of(options, WAIT_OPTIONS);
}

/** The signal of the options. @throws TypeError */
export function signal_of(options: WaitOptions): AbortSignal | undefined {
  const { signal } = options;
  if (signal === undefined || signal === null) return undefined;
  if (!(signal instanceof AbortSignal))
    throw new TypeError(`signal must be an AbortSignal, not ${shown(signal)}`);
  return signal;
}

/** The time-out of the options in milliseconds, -1 for none; `fallback` where it is not given. @throws TypeError, RangeError */
export function timeout_ms_of(options: WaitOptions, fallback: number): number {
  return options.timeout === undefined ? fallback : to_timeout_ms(seconds(options.timeout));
}

/** The time-out of a call that takes it as an argument, too. @throws TypeError where it is given twice */
export function one_timeout(
  timeout: number | null | undefined,
  options: WaitOptions,
): number | null | undefined {
  if (timeout === undefined) return options.timeout;
  if (options.timeout === undefined) return timeout;
  throw new TypeError('timeout is given twice, as an argument and in the options');
}

/** Thrown by an attempt that has to wait for something else than its descriptor; it is made again after that. */
export class Later {
  /**
   * @param promise settles when the attempt is to be made again; its rejection is the call's
   * @param cancel called where nobody waits any more
   * @param key where the promise's value is a host's address: what `resolve_now` asks for
   */
  constructor(
    readonly promise: Promise<unknown>,
    readonly cancel?: () => void,
    readonly key?: string,
  ) {}
}

/** An attempt that has done much in one go lets the rest of the program have its turn. */
export function breathe(): Later {
  return new Later(next_turn());
}

function key_of(host: string, family: number): string {
  return `${family} ${host}`;
}

/** Resolves a host where that needs no waiting; else throws what to wait for. @throws Later */
export function resolve_now(host: string, family: number): string {
  const steps = lookup.resolve_host(host, family);
  const step = steps.next();
  if (step.done) return step.value;
  const aborter = new AbortController();
  const found = finish_lookup(steps, step.value, aborter.signal);
  throw new Later(found, () => aborter.abort(), key_of(host, family));
}

/** The same with what is known by now. */
export function resolve_with(known: ReadonlyMap<string, string>): ResolveHost {
  return (host, family) => known.get(key_of(host, family)) ?? resolve_now(host, family);
}

/** Whoever is told of an abort. */
export interface Aborted {
  on_abort(): void;
}

/** Those who wait with one signal. It has one listener for all of them: Node warns of more than ten. */
class Listeners {
  readonly waiting = new Set<Aborted>();

  handleEvent(): void {
    for (const one of [...this.waiting]) one.on_abort();
  }
}

const listeners = new WeakMap<AbortSignal, Listeners>();

/** Has `one` be told when the signal aborts, until unlisten(). */
export function listen(signal: AbortSignal, one: Aborted): void {
  let all = listeners.get(signal);
  if (all === undefined) {
    all = new Listeners();
    listeners.set(signal, all);
  }
  if (all.waiting.size === 0) signal.addEventListener('abort', all);
  all.waiting.add(one);
}

/** Ends listen(). */
export function unlisten(signal: AbortSignal, one: Aborted): void {
  const all = listeners.get(signal);
  if (all?.waiting.delete(one) && all.waiting.size === 0) signal.removeEventListener('abort', all);
}

const TIMER_MAX_MS = 2 ** 31 - 1;

/** A signal and a time-out as one signal, for what waits in several places under one deadline. */
export class Limit implements Aborted {
  readonly #controller = new AbortController();
  readonly #end_ms: number;
  #timer: NodeJS.Timeout | undefined;
  #expired = false;
  readonly #given: AbortSignal | undefined;

  /** @param limit_ms -1 for none */
  constructor(signal: AbortSignal | undefined, limit_ms: number) {
    this.#given = signal;
    this.#end_ms = performance.now() + limit_ms;
    if (limit_ms >= 0) this.#start_timer();
    if (signal?.aborted) this.on_abort();
    else if (signal !== undefined) listen(signal, this);
  }

  on_abort(): void {
    this.#controller.abort(this.#given?.reason);
  }

  #start_timer(): void {
    const left_ms = this.#end_ms - performance.now();
    if (left_ms <= 0) {
      this.#expired = true;
      this.#controller.abort();
      return;
    }
    this.#timer = setTimeout(() => this.#start_timer(), Math.min(Math.ceil(left_ms), TIMER_MAX_MS)).unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the time-out. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#given !== undefined) unlisten(this.#given, this);
  }
}

/**
 * What a function that may throw returns; a throw is a rejection. Not by `async`, which settles a few turns later than the
 * promise it returns: calls on a socket are to be heard of in their order.
 */
export function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
