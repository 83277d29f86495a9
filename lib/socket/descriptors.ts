// Functions that pass descriptors over AF_UNIX sockets.
import type { Address } from '../calls/address.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import * as message from '../calls/message.js';
import { type Data, type Elements, shown } from '../util/validate.js';
import { Socket } from './socket.js';

function check_sock(sock: unknown): void {
  if (!(sock instanceof Socket)) throw new TypeError(`sock must be a socket, not ${shown(sock)}`);
}

/**
 * send_fds(sock, buffers, fds, flags = 0, address = null) -> how many bytes went out. Sends descriptors over an AF_UNIX socket, as
 * SCM_RIGHTS; the receiver gets duplicates. See unix(7), and Python's socket.send_fds.
 *
 * @param buffers an iterable of bytes or strings; on a stream there has to be at least one byte
 * @param fds an iterable of numbers, or of what has `fileno()`; at most 253
 * @param flags MSG_*
 * @param address of the receiver; null on a connected socket
 * @returns the number of bytes, not of descriptors
 * @throws OSError EBADF for a descriptor that is not open, EINVAL for more than 253; TimeoutError; BrokenPipeError
 * @example
 * const [a, b] = socketpair();
 * send_fds(a, ['take it'], [sock]);
 * console.log(recv_fds(b, 1024, 1)[1].length); // 1
 */
export function send_fds<F extends number>(
  sock: Socket<F>,
  buffers: Elements<Data>,
  fds: Elements<number | { fileno(): number }>,
  flags?: number | null,
  address?: Address<F> | null,
): number {
  check_sock(sock);
  const result = message.send_fds(
    sock,
    buffers,
    fds,
    flags,
    address,
    resolve_host_blocking,
    sock._timeout_ms,
  );
  return result < 0 ? sock._raise(result, 'send_fds') : result;
}

/**
 * recv_fds(sock, bufsize, maxfds, flags = 0) -> [msg, fds, msg_flags, address]. Receives descriptors, close-on-exec; they belong to the
 * caller. More than `maxfds` are closed, and MSG_CTRUNC is set then. See unix(7), and Python's socket.recv_fds.
 *
 * @param bufsize the most bytes of data
 * @param maxfds the most descriptors
 * @param flags MSG_*
 * @returns the bytes, the numbers of the descriptors, the flags of the message, and the sender's address
 * @throws TimeoutError; BlockingIOError; OSError
 * @example
 * const [a, b] = socketpair();
 * send_fds(a, ['take it'], [sock]);
 * const [text, fds] = recv_fds(b, 1024, 1);
 * console.log(text.toString(), fds.length); // take it 1
 * for (const fd of fds) close(fd);
 */
export function recv_fds<F extends number, K extends number, Flags extends number = 0>(
  sock: Socket<F, K>,
  bufsize: number,
  maxfds: number,
  flags?: Flags,
): message.ReceivedDescriptors<F, K, Flags> {
  check_sock(sock);
  const result = message.recv_fds(sock, bufsize, maxfds, flags, sock._timeout_ms);
  return typeof result === 'number' ? sock._raise(result, 'recv_fds') : result;
}
