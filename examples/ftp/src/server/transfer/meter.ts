// A transfer as others see it, and the count of its bytes: for STAT and `ftpd who`, for the rate of the user, and for clients that are so slow that they only
// hold a place.
import type { Throttle } from '../../guard/types.js';

export interface MeterOptions {
  readonly throttle: Throttle | undefined;
  /** seconds within which `min_rate` has to be kept */
  readonly stall: number;
  /** bytes a second */
  readonly min_rate: number;
  /** Called about once a second. */
  on_progress(bytes: number): void;
}

const PROGRESS_MS = 1000;

/** Returns when the promise is fulfilled. @throws (rejects) the signal's reason */
function unless_aborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const on_abort = () => reject(signal.reason);
    if (signal.aborted) on_abort();
    signal.addEventListener('abort', on_abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', on_abort));
  });
}

export class Meter {
  bytes = 0;
  readonly #options: MeterOptions;
  readonly #began_ms = performance.now();
  #told_ms = performance.now();
  #window_ms = performance.now();
  #window_bytes = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /** Seconds since the transfer began. */
  get seconds(): number {
    return (performance.now() - this.#began_ms) / 1000;
  }

  /** How many bytes should go at once: so that the rate is even. @param most the most without a rate */
  piece(most: number, rate: number | undefined): number {
    return rate === undefined ? most : Math.max(1024, Math.min(most, Math.ceil(rate / 8)));
  }

  /** Waits until the user's rate allows the bytes. The wait is no fault of the client. @throws (rejects) the signal's reason */
  async allow(bytes: number, signal: AbortSignal): Promise<void> {
    const { throttle } = this.#options;
    if (throttle === undefined) return;
    const before = performance.now();
    await unless_aborted(throttle.take(bytes), signal);
    this.#window_ms += performance.now() - before;
  }

  /** Counts bytes. @throws Error if the client is too slow */
  add(bytes: number): void {
    this.bytes += bytes;
    this.#window_bytes += bytes;
    const now = performance.now();
    if (now - this.#told_ms >= PROGRESS_MS) {
      this.#told_ms = now;
      this.#options.on_progress(this.bytes);
    }
    const { stall, min_rate } = this.#options;
    const elapsed = (now - this.#window_ms) / 1000;
    if (elapsed < stall) return;
    if (this.#window_bytes < min_rate * elapsed) throw new Error('The connection is too slow.');
    this.#window_ms = now;
    this.#window_bytes = 0;
  }
}

/** Which way, and of what. */
export interface TransferSubject {
  readonly direction: 'download' | 'upload';
  readonly path: string;
  readonly size: number | undefined;
  /** the text of 150 */
  readonly opening: string;
}

export interface Transfer extends TransferSubject {
  readonly meter: Meter;
  abort(reason: Error): void;
}
