// Errors on standard error: handle_error's message, and that of a thread which failed without a request. Servers, workers
// and the manager's thread print by these functions.
import { inspect } from 'node:util';
import { write_all } from '../calls/waiting/file.js';
import { show_error } from './pool/packed_error.js';

const LINE = '-'.repeat(40);

/** Prints handle_error's message: Python's, with JavaScript's stack. */
export function print_error(client_address: unknown, error: unknown): void {
  const from = inspect(client_address, { breakLength: Number.POSITIVE_INFINITY });
  print(
    `${LINE}\nException occurred during processing of request from ${from}\n${show_error(error)}\n${LINE}\n`,
  );
}

/** Prints the error that ended a thread while it had no request. */
export function print_uncaught(where: string, error: unknown): void {
  print(`Exception in ${where}:\n${show_error(error)}\n`);
}

function print(text: string): void {
  try {
    write_all(2, Buffer.from(text));
  } catch {
    // Standard error of this process is closed, or its reader has ended.
  }
}
