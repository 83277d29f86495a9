// Deadlines: every time-out of the library's JavaScript is one of these, except the handler_timeout of a pool's workers, which
// socketserver/pool/workers.ts measures. native/wait.h has the time-out of a blocked call.
//
// An AbortSignal gets one listener for all calls that wait with it: Node.js warns of more than ten.

/** The longest delay of setTimeout, in milliseconds: it fires at once for more. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** A shorter time-out, in milliseconds, has passed before any call can end; the shortest that a native call gets, as 0 is none. */
const SHORTEST_MS = 0.001;

/** The time left of a `timeout_ms`, for the next blocking call. */
export class Deadline {
  readonly #end: number;

  constructor(private readonly timeout_ms: number) {
    this.#end = timeout_ms > 0 ? performance.now() + timeout_ms : 0;
  }

  /** Returns true if the deadline has passed; a socket that never waits has none. */
  passed(): boolean {
    return this.timeout_ms > 0 && performance.now() >= this.#end;
  }

  /** Returns the milliseconds that the next native call may wait: never 0 for a limit, which would mean not to wait at all. */
  left_ms(): number {
    return this.timeout_ms <= 0 ? this.timeout_ms : Math.max(this.#end - performance.now(), SHORTEST_MS);
  }
}

/** Calls a function once a time has passed, however long, and never early. Does not keep the process alive. */
export class Timer {
  readonly #end_ms: number;
  #handle: NodeJS.Timeout | undefined;

  /** @param delay_ms any number of milliseconds; Infinity never expires */
  constructor(
    delay_ms: number,
    private readonly expire: () => void,
  ) {
    this.#end_ms = performance.now() + delay_ms;
    this.#start();
  }

  #start(): void {
    const left_ms = Math.min(Math.max(this.#end_ms - performance.now(), 0), TIMER_MAX_MS);
    this.#handle = setTimeout(() => this.#end(), Math.ceil(left_ms)).unref();
  }

  #end(): void {
    // setTimeout may be a little early, and the delay may be longer than its longest.
    if (performance.now() < this.#end_ms) this.#start();
    else this.expire();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  /** Keeps the process alive until the timer ends. */
  ref(): this {
    this.#handle?.ref();
    return this;
  }
}

/** A waiter that an abort ends. */
export interface AbortWaiter {
  on_abort(): void;
}

const waiters_of = new WeakMap<EventTarget, Set<AbortWaiter>>();

function wake_all(this: EventTarget): void {
  for (const waiter of [...(waiters_of.get(this) ?? [])]) waiter.on_abort();
}

/** Calls `waiter.on_abort()` when the signal aborts, until unlisten(). */
export function listen(signal: AbortSignal, waiter: AbortWaiter): void {
  let waiters = waiters_of.get(signal);
  if (waiters === undefined) {
    waiters = new Set();
    waiters_of.set(signal, waiters);
  }
  if (waiters.size === 0) signal.addEventListener('abort', wake_all);
  waiters.add(waiter);
}

/** Ends listen(). */
export function unlisten(signal: AbortSignal, waiter: AbortWaiter): void {
  const waiters = waiters_of.get(signal);
  if (waiters?.delete(waiter) && waiters.size === 0) signal.removeEventListener('abort', wake_all);
}

/** A signal and a time-out as one signal, for a call that waits in several places under one deadline. */
export class Timeout implements AbortWaiter {
  readonly #controller = new AbortController();
  /** The signal that aborts at the deadline, or with the given signal and its reason. */
  readonly signal: AbortSignal = this.#controller.signal;
  /** True if the time-out has passed. */
  expired = false;
  readonly #given: AbortSignal | undefined;
  readonly #timer: Timer | undefined;

  /** @param timeout_ms -1 for none */
  constructor(signal: AbortSignal | undefined, timeout_ms: number) {
    this.#given = signal;
    if (timeout_ms >= SHORTEST_MS) this.#timer = new Timer(timeout_ms, () => this.#expire());
    else if (timeout_ms >= 0) this.#expire();
    if (signal?.aborted) this.on_abort();
    else if (signal !== undefined) listen(signal, this);
  }

  on_abort(): void {
    this.#controller.abort(this.#given?.reason);
  }

  #expire(): void {
    this.expired = true;
    this.#controller.abort();
  }

  /** Cancels the timer and the listener: the call has ended. */
  end(): void {
    this.#timer?.cancel();
    if (this.#given !== undefined) unlisten(this.#given, this);
  }
}

/** Aborts the controller after a time, in milliseconds, unless the timer it returns is cancelled before. */
export function abort_after(controller: AbortController, delay_ms: number): Timer {
  return new Timer(delay_ms, () => controller.abort());
}

/** Resolves after a time in milliseconds (Infinity: never), or when the signal aborts; keeps the process alive until then. */
export function sleep(delay_ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || delay_ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      if (signal !== undefined) unlisten(signal, waiter);
      resolve();
    };
    const waiter = { on_abort: end };
    const timer = new Timer(delay_ms, end).ref();
    if (signal !== undefined) listen(signal, waiter);
  });
}

/** Waits until the promise settles or the signal aborts. @throws (rejects) the promise's reason */
export async function unless_aborted(promise: Promise<void>, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  let abort = () => {};
  const aborted = new Promise<void>((resolve) => {
    abort = resolve;
  });
  stop.addEventListener('abort', abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    stop.removeEventListener('abort', abort);
  }
}
