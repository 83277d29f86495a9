// How long is waited for a connection: one deadline for all of it, and a signal. Time in which a person is asked for a secret does not count: who types
// slowly should not find the hosts gone.

import { FleetFailure } from '../failure.js';

/** Questions to a person, and the time that they take. */
export class Questions {
  #open = 0;
  #since = 0;
  #total = 0;

  /** Milliseconds in which a person was being asked, until now. */
  get asked_ms(): number {
    return this.#total + (this.#open > 0 ? performance.now() - this.#since : 0);
  }

  /** Waits for an answer. */
  async ask<T>(question: () => T | Promise<T>): Promise<T> {
    if (this.#open++ === 0) this.#since = performance.now();
    try {
      return await question();
    } finally {
      if (--this.#open === 0) this.#total += performance.now() - this.#since;
    }
  }
}

/** A deadline, without the time of questions, and a signal. */
export class Wait {
  readonly #end: number;
  readonly #questions: Questions;

  /** @param timeout seconds */
  constructor(
    readonly timeout: number,
    readonly signal: AbortSignal | undefined,
    questions: Questions,
  ) {
    this.#end = performance.now() - questions.asked_ms + timeout * 1000;
    this.#questions = questions;
  }

  /** Milliseconds that are left, 0 or more. */
  get left_ms(): number {
    return Math.max(0, this.#end - (performance.now() - this.#questions.asked_ms));
  }

  /**
   * Waits for a promise until the deadline, or until the signal.
   *
   * @param reason returns that of the failure if the deadline passes
   * @throws FleetFailure of this class, or 'stopped'
   */
  async until<T>(
    promise: Promise<T>,
    reason: () => string,
    failure: 'timed-out' | 'unreachable',
  ): Promise<T> {
    const { promise: ended, reject } = promise_with_reject();
    const expire = () => {
      if (this.left_ms <= 0) reject(new FleetFailure(failure, reason()));
      // A question has taken time: on with what is left, not too often while it is still open.
      else timer = setTimeout(expire, Math.max(LEAST_MS, this.left_ms));
    };
    let timer = setTimeout(expire, this.left_ms);
    const on_abort = () => reject(stopped());
    if (this.signal?.aborted) on_abort();
    this.signal?.addEventListener('abort', on_abort);
    try {
      return await Promise.race([promise, ended]);
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener('abort', on_abort);
    }
  }
}

const LEAST_MS = 50;

export const stopped = () => new FleetFailure('stopped', 'stopped while connecting');

function promise_with_reject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  // It may be rejected when nobody waits for it any more.
  promise.catch(() => {});
  return { promise, reject };
}
