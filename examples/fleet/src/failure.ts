// FleetFailure: why an operation on one host failed, with its class; and text of hosts made safe to print.

import type { FailureClass } from './types.js';

/** An operation on a host has failed. */
export class FleetFailure extends Error {
  override name = 'FleetFailure';
  readonly failure: FailureClass;
  /** the exit code, if the command ran and returned one */
  readonly exit_code: number | undefined;
  readonly signal: string | undefined;

  constructor(
    failure: FailureClass,
    reason: string,
    {
      exit_code,
      signal,
    }: { readonly exit_code?: number | undefined; readonly signal?: string | undefined } = {},
  ) {
    super(one_line(reason));
    this.failure = failure;
    this.exit_code = exit_code;
    this.signal = signal === undefined ? undefined : one_line(signal);
  }
}

/** Returns the text in one line of at most 300 characters, without control characters: it may come from a hostile host. */
export function one_line(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return plain.length > 300 ? `${plain.slice(0, 299)}…` : plain;
}

export const message_of = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
