// Functions that pass descriptors over AF_UNIX sockets, returning promises.
import type { Address } from '../calls/address.js';
import * as message from '../calls/message.js';
import { type Data, type Elements, shown } from '../util/validate.js';
import { promised, type Rest1, type Rest2, take_options, type WaitOptions } from '../util/wait_options.js';
import { type Attempt, FunctionCall } from './call.js';
import { perform } from './queue.js';
import { Socket } from './socket.js';

function check_sock(sock: unknown): void {
  if (!(sock instanceof Socket)) throw new TypeError(`sock must be a socket of promises, not ${shown(sock)}`);
}

/**
 * send_fds(sock, buffers, fds, flags = 0, address = null, { signal, timeout }) -> how many bytes went out. Sends descriptors over an
 * AF_UNIX socket, as SCM_RIGHTS. They must stay open until it is done. See unix(7), and Python's socket.send_fds.
 *
 * @param buffers an iterable of bytes or strings; on a stream there has to be at least one byte
 * @param fds an iterable of numbers, or of what has `fileno()`; at most 253
 * @param rest flags, MSG_*; the receiver's address; `{ signal, timeout }`
 * @returns the number of bytes, not of descriptors
 * @throws OSError EBADF for a descriptor that is not open, EINVAL for more than 253; TimeoutError; the signal's reason
 * @example
 * const [a, b] = socketpair();
 * await send_fds(a, ['take it'], [sock]);
 * console.log((await recv_fds(b, 1024, 1))[1].length); // 1
 */
export function send_fds<F extends number>(
  sock: Socket<F>,
  buffers: Elements<Data>,
  fds: Elements<number | { fileno(): number }>,
  ...rest: Rest2<number, Address<F>>
): Promise<number> {
  return promised(() => {
    check_sock(sock);
    const options = take_options(rest, 2);
    const [flags, address] = rest;
    const [taken, numbers] = [message.taken_buffers(buffers), message.taken_descriptors(fds)];
    const attempt: Attempt<number> = (resolve) =>
      message.send_fds(sock, taken, numbers, flags, address, resolve, 0);
    const check = () => message.check_send_fds(sock, taken, numbers, flags, address);
    return perform(sock._poller.writes, new FunctionCall(sock, 'send_fds', attempt, check), options);
  });
}

/**
 * recv_fds(sock, bufsize, maxfds, flags = 0, { signal, timeout }) -> [msg, fds, msg_flags, address]. Receives descriptors, close-on-exec;
 * they belong to the caller. More than `maxfds` are closed, and MSG_CTRUNC is set then. See unix(7), and Python's socket.recv_fds.
 *
 * @param bufsize the most bytes of data
 * @param maxfds the most descriptors
 * @returns the bytes, the numbers of the descriptors, the flags of the message, and the sender's address
 * @throws TimeoutError; the signal's reason; OSError
 * @example
 * const [a, b] = socketpair();
 * await send_fds(a, ['take it'], [sock]);
 * const [text, fds] = await recv_fds(b, 1024, 1);
 * console.log(text.toString(), fds.length); // take it 1
 * for (const fd of fds) close(fd);
 */
export function recv_fds<F extends number, K extends number>(
  sock: Socket<F, K>,
  bufsize: number,
  maxfds: number,
  options?: WaitOptions,
): Promise<message.ReceivedDescriptors<F, K, 0>>;
/**
 * recv_fds(sock, bufsize, maxfds, flags, { signal, timeout }): the same with flags. See unix(7).
 *
 * @param bufsize the most bytes of data
 * @param maxfds the most descriptors
 * @param flags MSG_*
 */
export function recv_fds<F extends number, K extends number, Flags extends number = 0>(
  sock: Socket<F, K>,
  bufsize: number,
  maxfds: number,
  flags: Flags | null | undefined,
  options?: WaitOptions,
): Promise<message.ReceivedDescriptors<F, K, Flags>>;
export function recv_fds<F extends number, K extends number>(
  sock: Socket<F, K>,
  bufsize: number,
  maxfds: number,
  ...rest: Rest1<number>
): Promise<message.ReceivedDescriptors<F, K, 0>> {
  return promised(() => {
    check_sock(sock);
    const options = take_options(rest, 1);
    const [flags] = rest;
    const attempt = () => message.recv_fds(sock, bufsize, maxfds, flags, 0);
    const check = () => message.check_recv_fds(bufsize, maxfds, flags);
    return perform(sock._poller.reads, new FunctionCall(sock, 'recv_fds', attempt, check), options);
  });
}
