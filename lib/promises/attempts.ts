// Calls whose attempts keep something between two tries: connect, sends with MSG_FASTOPEN, sendall, recv_exactly. The other calls
// are in socket.ts.
import { constants } from 'node:os';
import { check_address, type ResolveHost } from '../calls/address.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { yield_turn } from '../calls/waiting/suspend.js';
import * as c from '../constants.js';
import { IncompleteReadError } from '../errors/index.js';
import { addon, cells, VALUE } from '../native/addon.js';
import { type Data, data, integer, size } from '../util/validate.js';
import { type Attempt, Call } from './call.js';

const { EAGAIN, EALREADY, EINPROGRESS, ENOTCONN } = constants.errno;
/** The bytes that a call moves before the rest of the program has its turn. */
const TURN_SIZE = 4 * 2 ** 20;

/** See Socket.connect. */
export function connect_call(sock: SocketBase, address: unknown): Call<void> {
  let under_way = false;
  const attempt: Attempt<void> = (resolve) => {
    if (under_way) return connected(sock);
    const result = transfer.connect(sock, address, resolve, 0);
    under_way = result === -EINPROGRESS;
    // EAGAIN is a full backlog, which only AF_UNIX waits for.
    if (result === -EAGAIN && sock.family !== c.AF_UNIX) sock._raise(result, 'connect', address);
    return result < 0 ? result : undefined;
  };
  const check = () => check_address(sock, address, 'connect');
  return new Call(sock, 'connect', attempt, check, () => ({ address }), true);
}

/** The outcome of a connect that was under way. */
function connected(sock: SocketBase): number | undefined {
  const result = addon.getsockopt_int(sock._fd, sock._generation, c.SOL_SOCKET, c.SO_ERROR);
  if (result < 0) return result;
  const error = cells[VALUE] as number;
  if (error !== 0) return -error;
  // Woken too early: by an edge from before the connect.
  const peer = addon.getpeername(sock._fd, sock._generation);
  return peer === -ENOTCONN ? -EINPROGRESS : undefined;
}

/**
 * Returns the attempts of a send that may have MSG_FASTOPEN. Without a cookie of the server the first one begins a connection and
 * moves no data, -EINPROGRESS; -EALREADY if a call that was aborted began it. The next ones send without the flag.
 *
 * @param send makes one attempt, without the flags `spent`
 */
export function fast_open(send: (resolve: ResolveHost, spent: number) => number): Attempt<number> {
  let spent = 0;
  return (resolve) => {
    const result = send(resolve, spent);
    if (result !== -EINPROGRESS && result !== -EALREADY) return result;
    spent = c.MSG_FASTOPEN;
    return -EINPROGRESS;
  };
}

/** See Socket.sendall. */
export function sendall_call(sock: SocketBase, bytes: Data, flags: unknown): Call<void> {
  let sent = 0;
  let text: Uint8Array | undefined;
  const attempt: Attempt<void> = () => {
    // Checked anew in each attempt: its memory may be gone.
    const view = text ?? data(bytes, 'data');
    if (typeof bytes === 'string') text = view;
    for (let moved = 0; ; ) {
      const rest = sent === 0 ? view : view.subarray(sent);
      const count = transfer.send(sock, rest, integer(flags ?? 0, 'flags'), 0);
      if (count < 0) return count;
      sent += count;
      moved += count;
      if (sent >= view.length) return undefined;
      if (moved >= TURN_SIZE) throw yield_turn();
    }
  };
  const check = () => transfer.check_send(bytes, flags ?? 0);
  return new Call(sock, 'sendall', attempt, check, () => ({ bytes_sent: sent }));
}

/** See Socket.recv_exactly. @throws TypeError, RangeError */
export function recv_exactly_call(sock: SocketBase, n: number): Call<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size(n, 'n'));
  let received = 0;
  const attempt = () => {
    for (let moved = 0; received < n; ) {
      if (moved >= TURN_SIZE) throw yield_turn();
      const count = transfer.recv_into(sock, buffer.subarray(received), 0, 0, 0);
      if (count < 0) return count;
      if (count === 0) throw new IncompleteReadError(buffer.subarray(0, received), n);
      received += count;
      moved += count;
    }
    return buffer;
  };
  const progress = () => ({ partial: buffer.subarray(0, received) });
  return new Call(sock, 'recv_exactly', attempt, undefined, progress);
}
