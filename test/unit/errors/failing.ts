// Sockets that are closed after each test, and the error that a call throws.

import { afterEach } from 'vitest';
import * as socket from '../../../lib/socket/index.js';

/** The sockets to close after the test. */
export const opened: socket.socket[] = [];

/** Makes a socket that is closed after the test. */
export const make = (...args: Parameters<typeof socket.socket>): socket.socket => {
  const sock = socket.socket(...args);
  opened.push(sock);
  return sock;
};

afterEach(() => {
  for (const sock of opened.splice(0)) sock.close();
});

/** Returns the OSError that the call throws. */
export function thrown(call: () => unknown): socket.OSError {
  try {
    call();
  } catch (error) {
    if (error instanceof socket.OSError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
