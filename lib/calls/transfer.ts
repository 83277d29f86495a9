// connect, recv, send and their variants, for blocking and promise sockets alike: the checks of arguments, the native call
// and the making of its result. Each function takes the time it may wait and returns its result, or the native call's
// negative number, which the two kinds of socket treat differently. Messages with control data are in message.ts.
import { Buffer } from 'node:buffer'; // the global is a getter
import { constants } from 'node:os';
import * as c from '../constants.js';
import { addon, SCRATCH_SIZE, scratch } from '../native/addon.js';
import { type Bytes, bytes, data, integer, integer_or, size } from '../util/validate.js';
import { decode, encode, type ResolveHost, type ReturnedAddress, write_address } from './address.js';
import type { SocketBase } from './socket_base.js';
import { is_drained } from './waiting/readiness.js';
import { pin } from './waiting/zerocopy.js';

/** A struct sockaddr of AF_UNSPEC, which is 0. */
const NO_ADDRESS = new Uint8Array(16);
const { EAGAIN } = constants.errno;
// Constants of this file: imported ones are loaded anew at each access.
const { MSG_TRUNC, MSG_ZEROCOPY } = c;
const EMPTY = Buffer.alloc(0);
// In bytes: copying more than this from the scratch memory costs more than a block that stays half empty. The size of a
// socket's last receive predicts that of the next.
const BULK = 16 * 1024;

// The part of the scratch memory that the last receive filled: messages are often of one length.
let received = scratch.subarray(0, 0);

/** Copies the bytes that the native call wrote to the scratch memory into a new Buffer. */
export function take(count: number): Buffer {
  if (count === 0) return EMPTY;
  if (count !== received.length) received = scratch.subarray(0, count);
  const buffer = Buffer.allocUnsafe(count);
  buffer.set(received);
  return buffer;
}

/** Returns memory for a receive that the scratch memory is too small for. */
export function allocate(length: number, flags: number): Buffer {
  // With MSG_TRUNC a stream's bytes are counted but not written, so nothing old may stand there.
  return (flags & MSG_TRUNC) !== 0 ? Buffer.alloc(length) : Buffer.allocUnsafeSlow(length);
}

/** Returns the part of that memory which the receive has filled. */
export function filled(buffer: Buffer, count: number): Buffer {
  if (count >= buffer.length) return buffer;
  // A view of a mostly empty block would keep all of it.
  return count < buffer.length / 2 ? Buffer.from(buffer.subarray(0, count)) : buffer.subarray(0, count);
}

/** Returns true if a receive goes by the scratch memory. */
export function fits_scratch(length: number, flags: number): boolean {
  return length <= SCRATCH_SIZE && (flags & MSG_TRUNC) === 0;
}

/** Checks the arguments of recv and recvfrom. @throws TypeError, RangeError */
export function check_recv(bufsize: number, flags: number): void {
  size(bufsize, 'bufsize');
  integer(flags, 'flags');
}

export function recv(s: SocketBase, bufsize: number, flags: number, timeout_ms: number): Buffer | number {
  const length = size(bufsize, 'bufsize');
  const wanted_flags = integer(flags, 'flags');
  // As in Python, a receive of 0 bytes makes no system call: it does not wait, and a datagram stays in the queue.
  if (length === 0) return EMPTY;
  if (timeout_ms === 0 && wanted_flags === 0 && is_drained(s._fd)) return -EAGAIN;
  if (fits_scratch(length, wanted_flags) && !(s._bulk && length > BULK)) {
    const count = addon.recv(s._fd, s._generation, null, length, wanted_flags, timeout_ms);
    s._bulk = count > BULK;
    return count < 0 ? count : take(count);
  }
  const buffer = allocate(length, wanted_flags);
  const count = addon.recv(s._fd, s._generation, buffer, length, wanted_flags, timeout_ms);
  s._bulk = count > BULK;
  return count < 0 ? count : filled(buffer, count);
}

/** The parts of a socket that name its descriptor and the form of its addresses. */
export type Descriptor<F extends number> = Pick<SocketBase<F>, '_fd' | '_generation' | 'family' | 'proto'>;

export function recvfrom<F extends number>(
  s: Descriptor<F>,
  bufsize: number,
  flags: number,
  timeout_ms: number,
): [Buffer, ReturnedAddress<F>] | number {
  const length = size(bufsize, 'bufsize');
  const wanted_flags = integer(flags, 'flags');
  const buffer = fits_scratch(length, wanted_flags) ? null : allocate(length, wanted_flags);
  const count = addon.recvfrom(s._fd, s._generation, buffer, length, wanted_flags, timeout_ms);
  if (count < 0) return count;
  return [buffer === null ? take(count) : filled(buffer, count), decode(s.family, s.proto)];
}

/** Returns the buffer of a *_into call, and how many of its bytes may be filled. @throws TypeError, RangeError */
function target(buffer: unknown, nbytes: unknown): [Bytes, number] {
  const view = bytes(buffer, 'buffer');
  const count = integer_or(0, nbytes, 'nbytes', 0);
  if (count > view.length)
    throw new RangeError(`nbytes is ${count}, but buffer has only ${view.length} bytes`);
  return [view, count === 0 ? view.length : count];
}

/** Checks the arguments of recv_into and recvfrom_into. @throws TypeError, RangeError */
export function check_recv_into(buffer: unknown, nbytes: unknown, flags: unknown): void {
  target(buffer, nbytes);
  integer(flags, 'flags');
}

export function recv_into(
  s: SocketBase,
  buffer: unknown,
  nbytes: unknown,
  flags: unknown,
  timeout_ms: number,
): number {
  const [view, count] = target(buffer, nbytes);
  const wanted_flags = integer(flags, 'flags');
  // See recv.
  if (count === 0) return 0;
  if (timeout_ms === 0 && wanted_flags === 0 && is_drained(s._fd)) return -EAGAIN;
  return addon.recv(s._fd, s._generation, view, count, wanted_flags, timeout_ms);
}

export function recvfrom_into<F extends number>(
  s: SocketBase<F>,
  buffer: unknown,
  nbytes: unknown,
  flags: unknown,
  timeout_ms: number,
): [number, ReturnedAddress<F>] | number {
  const [view, wanted] = target(buffer, nbytes);
  const count = addon.recvfrom(s._fd, s._generation, view, wanted, integer(flags, 'flags'), timeout_ms);
  return count < 0 ? count : [count, decode(s.family, s.proto)];
}

/** Checks the data and the flags of send, sendall and sendto. @throws TypeError, RangeError */
export function check_send(bytes: unknown, flags: unknown): void {
  data(bytes, 'data');
  integer(flags, 'flags');
}

/** send -> how many bytes the kernel took, or the negative number. The caller has checked `view` and `flags`. */
export function send(s: SocketBase, view: Bytes, flags: number, timeout_ms: number): number {
  const count = addon.send(s._fd, s._generation, view, flags, timeout_ms);
  if ((flags & MSG_ZEROCOPY) !== 0 && count > 0) pin(s, [view]);
  return count;
}

export function sendto(
  s: SocketBase,
  bytes: unknown,
  flags: number,
  address: unknown,
  resolve: ResolveHost,
  timeout_ms: number,
): number {
  const length = encode(s.family, s.proto, address, 'sendto', resolve);
  // Checked last: JavaScript that runs while the address is resolved may detach the bytes.
  const view = data(bytes, 'data');
  const count = addon.sendto(s._fd, s._generation, view, flags, timeout_ms, length);
  if ((flags & MSG_ZEROCOPY) !== 0 && count > 0) pin(s, [view]);
  return count;
}

/** connect -> 0, or the negative number. */
export function connect(s: SocketBase, address: unknown, resolve: ResolveHost, timeout_ms: number): number {
  const length = encode(s.family, s.proto, address, 'connect', resolve);
  return addon.connect(s._fd, s._generation, length, timeout_ms);
}

/** disconnect -> 0, or the negative number. */
export function disconnect(s: SocketBase): number {
  const length = write_address(c.AF_UNSPEC, 0, NO_ADDRESS);
  return addon.connect(s._fd, s._generation, length, 0);
}
