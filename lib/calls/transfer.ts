// connect, recv, send and their variants, for blocking and promise sockets alike: the checks of arguments, the native call
// and the making of its result. Each function takes the time it may wait and returns its result, or the native call's
// negative number, which the two kinds of socket treat differently. Messages with control data are in message.ts.
import { constants } from 'node:os';
import * as c from '../constants.js';
import { addon } from '../native/addon.js';
import { type Bytes, bytes, data, integer, integer_or, size } from '../util/validate.js';
import { decode, encode, type ResolveHost, type ReturnedAddress, write_address } from './address.js';
import type { SocketBase } from './socket_base.js';
import { is_drained } from './waiting/readiness.js';
import { allocate, BULK, EMPTY, filled, fits_scratch, received_at, take } from './waiting/received.js';
import { pin } from './waiting/zerocopy.js';

/** null for a type of socket whose messages may come without a sender. Numbers: SOCK_DGRAM, SOCK_RAW. */
interface NoSenderOfStream {
  2: never;
  3: never;
  [type: number]: null;
}

/** The same, by family: TCP names no sender; nor does AF_UNIX, if the sender's socket has no name. */
interface NoSender {
  2: NoSenderOfStream;
  10: NoSenderOfStream;
  16: { [type: number]: never };
  17: { [type: number]: never };
  29: { [type: number]: never };
  [family: number]: { [type: number]: null };
}

/** The same, by flags. Messages of the error queue (MSG_ERRQUEUE) may have no sender; other flags than these may be a sum with it. */
interface NoSenderByFlags {
  0: never;
  [c.MSG_PEEK]: never;
  [c.MSG_TRUNC]: never;
  [c.MSG_DONTWAIT]: never;
  [c.MSG_WAITALL]: never;
  [flags: number]: null;
}

/**
 * The address of the sender that recvfrom, recvmsg and the like give, null if there is none.
 *
 * @typeParam F the family of the socket
 * @typeParam K the type of the socket, SOCK_*
 * @typeParam Flags the flags of the call
 */
export type SenderAddress<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = ReturnedAddress<F> | NoSender[F][K] | NoSenderByFlags[Flags];

/** The result of recvfrom. */
export type ReceivedFrom<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = [data: Buffer, address: SenderAddress<F, K, Flags>];
/** The result of recvfrom_into. */
export type ReceivedFromInto<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = [nbytes: number, address: SenderAddress<F, K, Flags>];
/** A struct sockaddr of AF_UNSPEC, which is 0. */
const NO_ADDRESS = new Uint8Array(16);
const { EAGAIN } = constants.errno;

/** Checks the arguments of recv and recvfrom. @throws TypeError, RangeError */
export function check_recv(bufsize: number, flags: number): void {
  size(bufsize, 'bufsize');
  integer(flags, 'flags');
}

/** Returns true if a recv goes by the scratch memory. The size of a socket's last receive predicts that of the next. */
function by_scratch(s: SocketBase, length: number, flags: number): boolean {
  return fits_scratch(length, flags) && !(s._bulk && length > BULK);
}

/** Returns the bytes that a wake-up may receive in place of the next attempt of a recv without waiting; 0: none. */
export function allowance(s: SocketBase, bufsize: number, flags: number): number {
  const length = size(bufsize, 'bufsize');
  return flags === 0 && by_scratch(s, length, 0) ? length : 0;
}

/** Returns the result of a recv that a wake-up made. @param place where the bytes are: see received_at */
export function received(s: SocketBase, count: number, place: number): Buffer {
  s._bulk = count > BULK;
  return received_at(place, count);
}

export function recv(s: SocketBase, bufsize: number, flags: number, timeout_ms: number): Buffer | number {
  const length = size(bufsize, 'bufsize');
  const wanted_flags = integer(flags, 'flags');
  // As in Python, a receive of 0 bytes makes no system call: it does not wait, and a datagram stays in the queue.
  if (length === 0) return EMPTY;
  if (timeout_ms === 0 && wanted_flags === 0 && is_drained(s._fd)) return -EAGAIN;
  if (by_scratch(s, length, wanted_flags)) {
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
export function target(buffer: unknown, nbytes: unknown): [Bytes, number] {
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
  if ((flags & c.MSG_ZEROCOPY) !== 0 && count > 0) pin(s, [view]);
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
  if ((flags & c.MSG_ZEROCOPY) !== 0 && count > 0) pin(s, [view]);
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
