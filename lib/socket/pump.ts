// pump of blocking sockets: bytes from a socket or pipe to another one, by splice(2), without a way through JavaScript.
import {
  check_pump_options,
  check_shutdown,
  type PipeEnd,
  type PumpOptions,
  pump_end,
  Transit,
} from '../calls/moving/pump.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as c from '../constants.js';
import { Deadline } from '../util/deadline.js';
import { timeout_ms_of } from '../util/wait_options.js';
import type { Socket } from './socket.js';

/** The options of pump(). */
export interface BlockingPumpOptions extends PumpOptions {
  /** Seconds for all of it, instead of the time-out of the socket: null waits for ever. */
  timeout?: number | null | undefined;
}

/**
 * pump(from, to, { limit, half_close, timeout }) -> how many bytes were moved from one socket or pipe to another, inside of the kernel, until
 * the end of `from`. One of the two must be a socket. Closes nothing. See splice(2).
 *
 * @param from a connected stream, or the end of a pipe: a descriptor, a FileHandle, an object with `fileno()`
 * @param to the same, to move the bytes to
 * @param options `limit`, the bytes after which it ends; `half_close`: true to shut the sending side of `to` down at the end of `from`; a
 *   time-out in seconds for all of it, by default that of `from`, or of `to` if `from` is a pipe
 * @returns the number of bytes
 * @throws TimeoutError; OSError of either end, such as BrokenPipeError if nobody reads `to`. All have the number of bytes that have reached
 *   `to` as `bytes_sent`, and the bytes that were taken from `from` and have not as `partial`
 * @example
 * const [a, b] = socketpair();
 * peer.sendall('hello');
 * console.log(pump(sock, a, { limit: 5 }), b.recv(1024).toString()); // 5 hello
 */
export function pump(
  from: Socket<number> | PipeEnd,
  to: Socket<number> | PipeEnd,
  options: BlockingPumpOptions = {},
): number {
  const limit = check_pump_options(options, ['limit', 'half_close', 'timeout']);
  const transit = new Transit(pump_end(from, 'from', false), pump_end(to, 'to', false), limit);
  const sock = transit.from.sock ?? transit.to.sock;
  if (sock === undefined) throw new TypeError('from or to must be a socket: both are pipes');
  const timeout_ms = timeout_ms_of(options, sock._timeout_ms);
  if (timeout_ms === 0) throw new RangeError('pump: non-blocking sockets are not supported');
  const deadline = new Deadline(timeout_ms);
  try {
    while (!transit.is_done) {
      const end = transit.held === 0 ? transit.from : transit.to;
      const left_ms = deadline.left_ms();
      const result = transit.held === 0 ? transit.fill(left_ms) : transit.drain(left_ms);
      if (result < 0) transit.raise(result, end, timeout_ms);
    }
  } finally {
    transit.close();
  }
  if (options.half_close && transit.ended) shut_down(transit.to.sock);
  return transit.moved;
}

function shut_down(sock: SocketBase | undefined): void {
  try {
    sock?._shutdown(c.SHUT_WR);
  } catch (error) {
    check_shutdown(error);
  }
}
