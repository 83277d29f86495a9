// The errors of sockets that do not block, as files raise and recognize them. lib/errors/builtins.ts has the classes of Python's
// errors that files raise.
import { constants } from 'node:os';
import { BlockingIOError, OSError } from '../errors/index.js';

/**
 * Makes the error of a write for which neither the socket nor the buffer has room.
 *
 * @param characters_written the number of the caller's bytes that the buffer took, to be sent later
 */
export function write_would_block(characters_written: number): BlockingIOError {
  const error = new BlockingIOError(constants.errno.EAGAIN, 'write could not complete without blocking');
  error.characters_written = characters_written;
  return error;
}

/** Returns true if the error says that the socket does not block and would have to wait (EAGAIN). */
export function would_block(error: unknown): boolean {
  return error instanceof OSError && error.errno === constants.errno.EAGAIN;
}
